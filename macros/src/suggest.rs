//! "Did you mean …?"

/// The known word that is nearest to a mistyped one, in whatever case, if any is near.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let limit = 1 + word.len() / 4;
    let word = word.to_lowercase();
    known
        .iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

/// A sentence for a word that is not among the known ones: which was meant, and which there are. It goes on from a
/// beginning such as "`User` has no field".
pub(crate) fn unknown(beginning: &str, word: &str, known: &[&str]) -> String {
    let list = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match nearest(word, known) {
        Some(near) if known.len() == 1 => format!("{beginning} `{word}`: did you mean `{near}`?"),
        Some(near) => format!("{beginning} `{word}`: did you mean `{near}`? There are {list}"),
        None if known.len() == 1 => format!("{beginning} `{word}`: there is only {list}"),
        None => format!("{beginning} `{word}`: there are {list}"),
    }
}

/// How many letters have to be put in, taken out, changed or swapped (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_near() {
        let known = ["primary_key", "unique", "index", "version"];
        assert_eq!(nearest("primry_key", &known), Some("primary_key"));
        assert_eq!(nearest("uniqeu", &known), Some("unique"));
        assert_eq!(nearest("nullable", &known), None);
        assert_eq!(nearest("a", &["b"]), None);
        assert_eq!(nearest("SET_NULL", &["set null", "no action"]), Some("set null"));
    }
}
