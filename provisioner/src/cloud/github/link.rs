//! The `Link` header, by which GitHub says where a list goes on.

/// The address of the next page: `<https://…?page=2>; rel="next", <…>; rel="last"`.
pub fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (address, after) = after.split_once('>')?;
        let parameters = after.split('<').next().unwrap_or_default();
        let is_next = |parameter: &str| matches!(parameter.trim().trim_end_matches(','), r#"rel="next""# | "rel=next");
        if parameters.split(';').any(is_next) {
            return Some(address);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_wherever_it_stands() {
        let first = r#"<https://api.github.com/resource?page=2>; rel="next", <https://api.github.com/resource?page=5>; rel="last""#;
        assert_eq!(next(first), Some("https://api.github.com/resource?page=2"));
        let middle = r#"<https://a/x?page=1,2>; rel="prev", <https://a/x?page=3>; rel="next""#;
        assert_eq!(next(middle), Some("https://a/x?page=3"));
        assert_eq!(next(r#"<https://a/x?page=1>; rel="first", <https://a/x?page=4>; rel="prev""#), None);
        assert_eq!(next(""), None);
        assert_eq!(next("<https://a/x"), None);
    }
}
