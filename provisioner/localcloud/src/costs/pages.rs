//! Pages and their tokens. A token says which bill and which request it belongs to and where the page starts,
//! so that a token used with other parameters, or after the bill changed, is told from a good one.

use std::fmt::Debug;

use sha2::{Digest, Sha256};

use super::fault::Fault;

/// Where a request's pages come from.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Goes up whenever the cost model is replaced.
    pub revision: u64,
    /// How many items a page holds; at least one is given.
    pub page_size: usize,
}

/// One page of a list and the token of the next.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The page's items.
    pub items: Vec<T>,
    /// The token of the next page; none on the last.
    pub next: Option<String>,
}

impl Source {
    /// Cuts the page that `token` names. `request` is everything of the request but its token.
    pub fn page<T>(&self, items: Vec<T>, request: &impl Debug, token: Option<&str>) -> Result<Page<T>, Fault> {
        let request = fingerprint(request);
        let start = token.map_or(Ok(0), |token| self.start(token, &request))?;
        if token.is_some() && start >= items.len() {
            return Err(Fault::InvalidNextToken);
        }
        let end = start.saturating_add(self.page_size.max(1));
        let next = (end < items.len()).then(|| hex::encode(format!("{}.{request}.{end}", self.revision)));
        let items = items.into_iter().skip(start).take(end - start).collect();
        Ok(Page { items, next })
    }

    fn start(&self, token: &str, request: &str) -> Result<usize, Fault> {
        let text =
            hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(Fault::InvalidNextToken)?;
        let parts: Vec<&str> = text.split('.').collect();
        let [revision, asked, start] = parts[..] else { return Err(Fault::InvalidNextToken) };
        if asked != request {
            return Err(Fault::RequestChanged);
        }
        if revision != self.revision.to_string() {
            return Err(Fault::BillExpiration);
        }
        start.parse().map_err(|_| Fault::InvalidNextToken)
    }
}

fn fingerprint(request: &impl Debug) -> String {
    hex::encode(&Sha256::digest(format!("{request:?}"))[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_together_are_the_list() {
        for page_size in 0..9 {
            let source = Source { revision: 0, page_size };
            let (mut seen, mut token) = (Vec::new(), None);
            loop {
                let page = source.page((0..7).collect(), &"request", token.as_deref()).unwrap();
                assert!(!page.items.is_empty() && page.items.len() <= page_size.max(1));
                seen.extend(page.items);
                token = page.next;
                if token.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (0..7).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_token_belongs_to_one_request_and_one_bill() {
        let source = Source { revision: 1, page_size: 2 };
        let token = source.page(vec![1, 2, 3], &"a", None).unwrap().next;
        let again =
            |source: Source, request: &str, token: &str| source.page(vec![1, 2, 3], &request, Some(token)).unwrap_err();
        let token = token.as_deref().unwrap();
        assert_eq!(again(source, "b", token), Fault::RequestChanged);
        assert_eq!(again(Source { revision: 2, ..source }, "a", token), Fault::BillExpiration);
        assert_eq!(again(source, "a", "garbage"), Fault::InvalidNextToken);
    }

    #[test]
    fn an_empty_list_is_one_empty_page() {
        let page = Source { revision: 0, page_size: 5 }.page(Vec::<u8>::new(), &"a", None).unwrap();
        assert_eq!(page, Page { items: vec![], next: None });
    }
}
