//! "Did you mean": the nearest valid name to what somebody wrote.

/// The nearest of the candidates, if one is near enough to be meant.
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Long garbage is never a slip of the finger, and comparing costs its length squared.
    if written.len() > 100 {
        return None;
    }
    let folded = fold(written);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// `externalUrl`, `external-url` and `external_url` are the same slip.
fn fold(name: &str) -> String {
    name.chars().filter(|c| *c != '-' && *c != '_').flat_map(char::to_lowercase).collect()
}

/// The hint for a name that is not known: the nearest one, else all of them if they are few.
pub fn hint_for(written: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = nearest(written, known.iter().copied()) {
        return Some(format!("did you mean \"{near}\"?"));
    }
    (!known.is_empty() && known.len() <= 12).then(|| format!("known: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_guesses_are_not_made() {
        let known = ["external_url", "location", "store", "http", "to"];
        for (written, near) in [
            ("externalUrl", Some("external_url")),
            ("locaton", Some("location")),
            ("sotre", Some("store")),
            ("too", Some("to")),
            ("budget", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), near, "{written}");
        }
        assert_eq!(hint_for("budget", &["to"]).as_deref(), Some("known: to"));
    }
}
