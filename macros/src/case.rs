//! Names in other cases: `OrderLine` as `order_line`.

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// `order_line`
    Snake,
    /// `ORDER_LINE`
    ScreamingSnake,
    /// `order-line`
    Kebab,
    /// `orderline`
    Lower,
    /// `ORDERLINE`
    Upper,
    /// `OrderLine`
    Pascal,
    /// `orderLine`
    Camel,
}

impl Case {
    /// The cases by their names, which are written in themselves.
    pub(crate) const NAMES: [(&'static str, Case); 7] = [
        ("snake_case", Case::Snake),
        ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
        ("kebab-case", Case::Kebab),
        ("lowercase", Case::Lower),
        ("UPPERCASE", Case::Upper),
        ("PascalCase", Case::Pascal),
        ("camelCase", Case::Camel),
    ];

    /// A name of a Rust type or variant, in this case.
    pub(crate) fn apply(self, name: &str) -> String {
        let words = words(name);
        let lower = |word: &String| word.to_lowercase();
        let upper = |word: &String| word.to_uppercase();
        let join = |separator, words: Vec<String>| words.join(separator);
        match self {
            Case::Snake => join("_", words.iter().map(lower).collect()),
            Case::ScreamingSnake => join("_", words.iter().map(upper).collect()),
            Case::Kebab => join("-", words.iter().map(lower).collect()),
            Case::Lower => words.iter().map(lower).collect(),
            Case::Upper => words.iter().map(upper).collect(),
            Case::Pascal => words.iter().map(|word| capitalised(word)).collect(),
            Case::Camel => {
                let mut words = words.iter();
                let first = words.next().map(lower).unwrap_or_default();
                words.fold(first, |name, word| name + &capitalised(word))
            }
        }
    }
}

/// `OrderLine` in snake case: `order_line`.
pub(crate) fn snake(name: &str) -> String {
    Case::Snake.apply(name)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}

/// The words of a name in camel or snake case. A run of capitals is one word: `HTTPServer` is `HTTP`, `Server`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        if *letter == '_' {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        let starts = letter.is_uppercase()
            && before.is_some_and(|b| !b.is_uppercase() || after.is_some_and(|a| a.is_lowercase()));
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(*letter);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_each_case() {
        for (name, snake, pascal) in [
            ("OrderLine", "order_line", "OrderLine"),
            ("HTTPServer", "http_server", "HttpServer"),
            ("Order2Line", "order2_line", "Order2Line"),
            ("A", "a", "A"),
            ("Über_Mut", "über_mut", "ÜberMut"),
        ] {
            assert_eq!(Case::Snake.apply(name), snake);
            assert_eq!(Case::Pascal.apply(name), pascal);
        }
        assert_eq!(Case::Kebab.apply("VeryHappy"), "very-happy");
        assert_eq!(Case::ScreamingSnake.apply("VeryHappy"), "VERY_HAPPY");
        assert_eq!(Case::Camel.apply("VeryHappy"), "veryHappy");
        assert_eq!(Case::Upper.apply("VeryHappy"), "VERYHAPPY");
        assert_eq!(Case::Lower.apply("VeryHappy"), "veryhappy");
    }
}
