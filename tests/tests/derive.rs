//! What the derives accept, and what they make of it: the cases of `ui/pass`, each of which is an example.

macro_rules! cases {
    ($($path:literal $case:ident)*) => {
        $(
            #[path = $path]
            mod $case;

            #[test]
            fn $case() {
                $case::main();
            }
        )*
    };
}

cases! {
    "../ui/pass/columns.rs" columns
    "../ui/pass/design.rs" design
    "../ui/pass/enumeration.rs" enumeration
    "../ui/pass/forwarded.rs" forwarded
    "../ui/pass/hygiene.rs" hygiene
    "../ui/pass/insert.rs" insert
    "../ui/pass/relationships.rs" relationships
    "../ui/pass/shape.rs" shape
}
