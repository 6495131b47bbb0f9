//! The part that names have in common, to list no more than needed.

/// Returns the longest text that all names begin with; empty for no names.
pub fn common_prefix(names: &[&str]) -> String {
    let Some((first, rest)) = names.split_first() else { return String::new() };
    let shared = |a: &str, b: &str| a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x).collect();
    rest.iter().fold((*first).to_owned(), |prefix: String, name| shared(&prefix, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_ask_for_what_the_names_share() {
        assert_eq!(common_prefix(&["/aws/lambda/a", "/aws/apigateway/b"]), "/aws/");
        assert_eq!(common_prefix(&[]), "");
        assert_eq!(common_prefix(&["x", "y"]), "");
    }
}
