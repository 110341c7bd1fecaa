use relata::prelude::*;

struct Colour;

#[derive(Type)]
enum Mood {
    Happy,
}

#[derive(Type)]
struct Pair(String, i64);

#[derive(Type)]
struct Nothing;

#[derive(Type)]
struct Paint(Colour);

fn main() {}
