use relata::prelude::*;

#[derive(Enum)]
struct Pair(String, i64);

#[derive(Enum)]
enum Empty {}

#[derive(Enum)]
enum Shape {
    Circle(f64),
    Square { side: f64 },
    Dot,
}

#[derive(Enum)]
#[enumeration(rename_all = "snakecase", nativ)]
enum Mood {
    Happy,
    #[enumeration(rename = "happy")]
    Glad,
    #[enumeration(rename = 1)]
    Sad,
}

fn main() {}
