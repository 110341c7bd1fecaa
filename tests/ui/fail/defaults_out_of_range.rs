use relata::prelude::*;

#[derive(Entity)]
struct Order {
    #[column(primary_key)]
    id: i64,
    #[column(default = 300)]
    small: i8,
    #[column(default = -1)]
    natural: Option<u8>,
    #[column(default = 0x80000000u32)]
    wide: i32,
    #[column(default = 18446744073709551615)]
    most: u64,
}

fn main() {}
