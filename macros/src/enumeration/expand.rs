//! Writes `impl Type`, and the description of the words.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;

use super::ast::Enumeration;

pub(super) fn expand(enumeration: &Enumeration<'_>) -> TokenStream {
    let (ident, core) = (enumeration.ident, enumeration.krate.core());
    let (name, native) = (&enumeration.name, enumeration.native);
    let words: Vec<&str> = enumeration.variants.iter().map(|variant| variant.word.as_str()).collect();
    let variants: Vec<_> = enumeration.variants.iter().map(|variant| variant.ident).collect();
    // A word that is there twice is a mistake, and would be an unreachable pattern as well.
    let mut seen = HashSet::new();
    let decodes = words
        .iter()
        .zip(&variants)
        .filter(|(word, _)| seen.insert(**word))
        .map(|(word, variant)| quote!(#word => ::core::result::Result::Ok(#ident::#variant)));
    let expected = words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
    let expected = match words.len() {
        1 => format!("the word {expected}"),
        _ => format!("one of {expected}"),
    };
    let other_word = format!("a word that is not {expected}");
    quote! {
        const _: () = {
            static ENUM: #core::value::EnumType = #core::value::EnumType {
                name: #name,
                variants: &[#(#words),*],
                native: #native,
                as_kind: &KIND,
            };
            static KIND: #core::value::Kind = #core::value::Kind::Enum(&ENUM);

            #[automatically_derived]
            impl #core::types::Type for #ident {
                const KIND: #core::value::Kind = #core::value::Kind::Enum(&ENUM);
                type Nullable = ::core::option::Option<Self>;
                type Base = Self;
                type With<U: #core::types::Type> = U;

                fn decode(
                    cell: #core::value::Cell<'_>,
                ) -> ::core::result::Result<Self, #core::types::Mismatch> {
                    match cell {
                        #core::value::Cell::Text(word) => match word {
                            #(#decodes,)*
                            _ => ::core::result::Result::Err(#core::types::Mismatch::out_of_range(#other_word)),
                        },
                        other => ::core::result::Result::Err(#core::types::Mismatch::wrong(#expected, &other)),
                    }
                }

                fn to_value(&self) -> #core::value::Value {
                    #core::value::Value::Enum(&ENUM, match self { #(#ident::#variants => #words),* })
                }
            }
        };
    }
}
