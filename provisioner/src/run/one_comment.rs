//! Keeps one comment of a pull request up to date: found again by its hidden marker, edited in place.

use crate::cloud::github::client::Github;
use crate::cloud::github::error::{GithubError, Permission};
use crate::cloud::github::types::Comment;
use crate::drift::issues::same_text;
use crate::ui::views::marker;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// `created`, `updated` or `none`.
    pub action: &'static str,
    /// The comment's page, where there is one.
    pub url: Option<String>,
}

/// Makes the pull request's comment on a stack's plan say this. One that `only_replaces` is not made where there is
/// none. What two runs posted at the same time becomes one again: the oldest stays.
pub async fn keep(
    github: &Github<'_>,
    pull_request: u64,
    stack: Option<&str>,
    body: &str,
    only_replaces: bool,
) -> Result<Posted, GithubError> {
    let own = own(github.comments(pull_request).await?, stack);
    let mut own = own.into_iter();
    let Some(first) = own.next() else {
        if only_replaces {
            return Ok(Posted { action: "none", url: None });
        }
        let made = github.comment(pull_request, body, Permission::PullRequests).await?;
        return Ok(Posted { action: "created", url: Some(made.html_url) });
    };
    let says_so = first.body.as_deref().is_some_and(|now| same_text(now, body));
    let kept = if says_so { first } else { github.edit_comment(first.id, body).await? };
    for other in own {
        github.delete_comment(other.id).await?;
    }
    Ok(Posted { action: if says_so { "none" } else { "updated" }, url: Some(kept.html_url) })
}

/// The comments that are the stack's, oldest first. Those of a plan that failed before its stack was known are
/// anybody's; and where the stack is not known now, the comments of the one stack that has some are meant.
fn own(comments: Vec<Comment>, stack: Option<&str>) -> Vec<Comment> {
    let marked = |comment: &Comment| {
        let marker = comment.body.as_deref().and_then(marker::found)?;
        (comment.is_trusted() && marker.starts_with(marker::ANY_PLAN)).then(|| marker.to_owned())
    };
    let ours: Vec<(String, Comment)> =
        comments.into_iter().filter_map(|comment| Some((marked(&comment)?, comment))).collect();
    let (exact, nameless) = (marker::plan(stack), marker::plan(None));
    let has = |marker: &String| ours.iter().any(|(own, _)| own == marker);
    let wanted = if has(&exact) {
        exact
    } else if stack.is_some() {
        nameless
    } else {
        match ours.split_first() {
            Some(((one, _), rest)) if rest.iter().all(|(other, _)| other == one) => one.clone(),
            _ => exact,
        }
    };
    let mut own: Vec<Comment> =
        ours.into_iter().filter(|(marker, _)| *marker == wanted).map(|(_, comment)| comment).collect();
    own.sort_by_key(|comment| comment.id);
    own
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn comment(id: u64, body: String, association: &str) -> Comment {
        let value = json!({ "id": id, "html_url": "u", "body": body, "author_association": association,
            "user": { "login": "a", "type": "User" } });
        serde_json::from_value(value).expect("a comment")
    }

    fn ids(comments: &[Comment], stack: Option<&str>) -> Vec<u64> {
        own(comments.to_vec(), stack).iter().map(|comment| comment.id).collect()
    }

    #[test]
    fn the_own_comments_are_those_of_the_stack_by_somebody_trusted() {
        let marked = |stack: Option<&str>| format!("{}\n## Plan", marker::plan(stack));
        let all = [
            comment(9, marked(Some("shop")), "MEMBER"),
            comment(2, "hello".to_owned(), "MEMBER"),
            comment(3, marked(Some("shop")), "NONE"),
            comment(4, marked(Some("shop")), "COLLABORATOR"),
            comment(5, marked(Some("shop/prod")), "MEMBER"),
            comment(6, format!("> {}", marked(Some("shop"))), "MEMBER"),
        ];
        assert_eq!(ids(&all, Some("shop")), [4, 9]);
        assert_eq!(ids(&all, Some("shop/prod")), [5]);
        assert_eq!(ids(&all, Some("other")), [0; 0]);
        assert_eq!(ids(&all, None), [0; 0], "two stacks: which one is not known");
        assert_eq!(ids(&all[..4], None), [4, 9]);
        let failed = [comment(7, marked(None), "MEMBER"), comment(8, marked(Some("shop")), "MEMBER")];
        assert_eq!(ids(&failed[..1], Some("shop")), [7], "it is the stack's now");
        assert_eq!(ids(&failed, Some("shop")), [8]);
        assert_eq!(ids(&failed, None), [7]);
    }
}
