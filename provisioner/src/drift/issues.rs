//! Which issues to open, edit, close and reopen, so that each tenant that drifts has one, and what all share has one.
//! Pure: it compares what should stand with what stands.

use std::collections::BTreeMap;

/// At most so many issues are opened by one run: GitHub limits how fast content may be made, and hundreds of issues in
/// one night are nobody's help. The next run opens the rest.
pub const MOST_OPENED: usize = 50;

/// An issue that should be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its body's first line, by which it is found again.
    pub marker: String,
    /// The tenant; none for what all share.
    pub tenant: Option<String>,
    /// Its title.
    pub title: String,
    /// Its Markdown.
    pub body: String,
}

/// An issue that billform opened at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its number in the repository.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its body's first line.
    pub marker: String,
    /// Its Markdown, as GitHub has it.
    pub body: String,
    /// Whether it is open.
    pub open: bool,
}

/// What is done about one issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is opened.
    Open(Wanted),
    /// One too many for this run: the next one opens it.
    Defer(Wanted),
    /// It says what it should.
    Keep(Wanted, Standing),
    /// It gets another body.
    Edit(Wanted, Standing),
    /// Its drift is there again.
    Reopen(Wanted, Standing),
    /// Its drift is gone.
    Close(Standing),
    /// Another one says the same; its number.
    CloseDuplicate(Standing, u64),
}

/// The steps: what should stand in its order, then what is to close by number. Without `may_close` nothing is closed
/// for want of drift, because not everything could be looked at.
pub fn steps(wanted: Vec<Wanted>, standing: Vec<Standing>, may_close: bool) -> Vec<Step> {
    let mut by_marker: BTreeMap<String, Vec<Standing>> = BTreeMap::new();
    for issue in standing {
        by_marker.entry(issue.marker.clone()).or_default().push(issue);
    }
    let (mut steps, mut closing) = (Vec::new(), Vec::new());
    let mut opened = 0;
    for wanted in wanted {
        let Some(issue) = by_marker.remove(&wanted.marker).and_then(|same| keep_one(same, &mut closing)) else {
            opened += 1;
            steps.push(if opened > MOST_OPENED { Step::Defer(wanted) } else { Step::Open(wanted) });
            continue;
        };
        steps.push(match (issue.open, same_text(&issue.body, &wanted.body)) {
            (false, _) => Step::Reopen(wanted, issue),
            (true, false) => Step::Edit(wanted, issue),
            (true, true) => Step::Keep(wanted, issue),
        });
    }
    if may_close {
        let gone = by_marker.into_values().flatten().filter(|issue| issue.open);
        closing.extend(gone.map(Step::Close));
    }
    closing.sort_by_key(|step| match step {
        Step::Close(issue) | Step::CloseDuplicate(issue, _) => issue.number,
        _ => 0,
    });
    steps.extend(closing);
    steps
}

/// Of several issues with one marker the oldest open one stays, or the oldest; other open ones are duplicates.
fn keep_one(mut same: Vec<Standing>, closing: &mut Vec<Step>) -> Option<Standing> {
    same.sort_by_key(|issue| (!issue.open, issue.number));
    let mut same = same.into_iter();
    let kept = same.next()?;
    closing.extend(same.filter(|issue| issue.open).map(|issue| Step::CloseDuplicate(issue, kept.number)));
    Some(kept)
}

/// Whether two bodies say the same: a browser that edits one sends other line ends.
pub fn same_text(one: &str, other: &str) -> bool {
    let lines = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    lines(one) == lines(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(tenant: &str, body: &str) -> Wanted {
        Wanted {
            marker: format!("<!-- {tenant} -->"),
            tenant: Some(tenant.to_owned()),
            title: tenant.to_owned(),
            body: body.to_owned(),
        }
    }

    fn standing(number: u64, tenant: &str, body: &str, open: bool) -> Standing {
        let url = format!("https://github.example/{number}");
        Standing { number, url, marker: format!("<!-- {tenant} -->"), body: body.to_owned(), open }
    }

    fn told(steps: &[Step]) -> Vec<String> {
        let one = |step: &Step| match step {
            Step::Open(wanted) => format!("open {}", wanted.title),
            Step::Defer(wanted) => format!("defer {}", wanted.title),
            Step::Keep(_, issue) => format!("keep {}", issue.number),
            Step::Edit(_, issue) => format!("edit {}", issue.number),
            Step::Reopen(_, issue) => format!("reopen {}", issue.number),
            Step::Close(issue) => format!("close {}", issue.number),
            Step::CloseDuplicate(issue, of) => format!("duplicate {} of {of}", issue.number),
        };
        steps.iter().map(one).collect()
    }

    #[test]
    fn each_case_has_its_step() {
        let wants = vec![wanted("new", "n"), wanted("same", "s"), wanted("other", "o"), wanted("back", "b")];
        let stand = vec![
            standing(1, "same", "s\r\n", true),
            standing(2, "other", "before", true),
            standing(3, "back", "b", false),
            standing(4, "gone", "g", true),
            standing(5, "long gone", "g", false),
        ];
        let all = ["open new", "keep 1", "edit 2", "reopen 3", "close 4"];
        assert_eq!(told(&steps(wants.clone(), stand.clone(), true)), all);
        assert_eq!(told(&steps(wants, stand, false)), all[..4], "an incomplete look closes nothing");
    }

    #[test]
    fn of_several_the_oldest_open_one_stays() {
        let stand = vec![
            standing(9, "a", "a", true),
            standing(3, "a", "a", false),
            standing(7, "a", "a", true),
            standing(8, "a", "x", true),
        ];
        let found = steps(vec![wanted("a", "a")], stand, false);
        assert_eq!(told(&found), ["keep 7", "duplicate 8 of 7", "duplicate 9 of 7"]);
        let closed = vec![standing(9, "a", "a", false), standing(3, "a", "a", false)];
        assert_eq!(told(&steps(vec![wanted("a", "a")], closed, true)), ["reopen 3"]);
    }

    #[test]
    fn a_flood_is_opened_over_several_runs() {
        let wants: Vec<Wanted> = (0..120).map(|n| wanted(&format!("t{n}"), "x")).collect();
        let found = told(&steps(wants, Vec::new(), true));
        assert_eq!(found.iter().filter(|step| step.starts_with("open")).count(), MOST_OPENED);
        assert_eq!(found.len(), 120);
        assert_eq!(found[MOST_OPENED], "defer t50");
    }
}
