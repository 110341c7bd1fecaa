//! Writes `impl Shape`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::ast::Shape;
use crate::krate::respanned;

pub(super) fn expand(shape: &Shape<'_>) -> TokenStream {
    let (ident, entity, core, private) =
        (shape.ident, &shape.entity, shape.krate.core(), shape.krate.private());
    let all = || shape.fields.iter().enumerate();
    let parts: Vec<_> = all().map(|(at, _)| format_ident!("part_{at}")).collect();
    let scalars: Vec<_> = all().map(|(at, _)| format_ident!("scalar_{at}")).collect();
    let fillings: Vec<_> = all().map(|(at, _)| format_ident!("filling_{at}")).collect();
    let values: Vec<_> = all().map(|(at, _)| format_ident!("value_{at}")).collect();
    let fields: Vec<_> = shape.fields.iter().map(|field| field.ident).collect();
    let types: Vec<_> = shape.fields.iter().map(|field| field.ty).collect();

    // Each constant is named once, so that one which does not fit its field is one message.
    let constants = shape.fields.iter().zip(&parts).map(|(field, part)| {
        let (ty, from) = (field.ty, &field.from);
        let returned = quote_spanned!(ty.span()=> impl #private::Part<#ty>);
        let entity = respanned(entity, from.span());
        quote_spanned! {from.span()=>
            fn #part() -> #returned {
                #entity::#from
            }
        }
    });
    quote! {
        const _: () = {
            #(#constants)*

            #[automatically_derived]
            impl #private::ShapeOf<#entity> for #ident {}

            #[automatically_derived]
            impl #private::Shape for #ident {
                type Entity = #entity;
                type Scalars = (#(::core::option::Option<#types>,)*);

                fn columns() -> ::std::vec::Vec<usize> {
                    #[allow(unused_mut)]
                    let mut columns = ::std::vec::Vec::new();
                    #(#private::Part::<#types>::column(#parts(), &mut columns);)*
                    columns
                }

                #[allow(unused_variables)]
                fn read(row: &mut #core::projection::RowReader<'_>) -> #core::Result<Self::Scalars> {
                    ::core::result::Result::Ok((#(#private::Part::<#types>::read(#parts(), row)?,)*))
                }

                fn edge_columns() -> ::std::vec::Vec<&'static [usize]> {
                    #[allow(unused_mut)]
                    let mut edges = ::std::vec::Vec::new();
                    #(#private::Part::<#types>::edge(#parts(), &mut edges);)*
                    edges
                }

                #[allow(unused_variables, unused_mut)]
                fn assemble(
                    scalars: ::std::vec::Vec<Self::Scalars>,
                    keys: ::std::vec::Vec<#private::Keys>,
                    loader: &#private::Loader,
                ) -> #private::BoxFuture<'_, #core::Result<::std::vec::Vec<Self>>> {
                    ::std::boxed::Box::pin(async move {
                        let mut keys = keys.into_iter();
                        #(let mut #fillings = #private::Filling::<#types>::default();)*
                        let mut loads = ::std::vec::Vec::new();
                        #(loads.extend(#fillings.load(#parts(), &mut keys, loader));)*
                        #private::together(loads).await?;
                        let mut shapes = ::std::vec::Vec::with_capacity(scalars.len());
                        for (#(#scalars,)*) in scalars {
                            let (#(::core::option::Option::Some(#values),)*) = (#(#fillings.next(#scalars),)*) else {
                                break;
                            };
                            shapes.push(#ident { #(#fields: #values),* });
                        }
                        ::core::result::Result::Ok(shapes)
                    })
                }
            }
        };
    }
}
