//! The known name that somebody most likely meant.

/// The candidate with the fewest typing errors between it and `word`; one that ends in exactly
/// `word` (a key without its section) comes first.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| {
        let without_section = candidate.rsplit_once('.').is_some_and(|(_, last)| last == word);
        if without_section { 0 } else { 1 + typing_errors(word, candidate) }
    })
}

/// Letters added, left out, replaced, or swapped with their neighbour (the optimal string
/// alignment distance).
fn typing_errors(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let replaced = above[j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut fewest = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                fewest = fewest.min(before[j - 2] + 1);
            }
            row.push(fewest);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_missing_added_and_wrong_letters_count_once_each() {
        for (word, errors) in
            [("listen", 0), ("litsen", 1), ("liste", 1), ("lissten", 1), ("lusten", 1), ("", 6)]
        {
            assert_eq!(typing_errors(word, "listen"), errors, "{word}");
        }
    }

    #[test]
    fn a_key_without_its_section_finds_its_section() {
        let known = ["data", "server.listen", "log.level"];
        assert_eq!(nearest("listen", known.into_iter()), Some("server.listen"));
        assert_eq!(nearest("sever.listn", known.into_iter()), Some("server.listen"));
        assert_eq!(nearest("dta", known.into_iter()), Some("data"));
    }
}
