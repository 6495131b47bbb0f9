//! What an edit changes in a file, as a unified diff.

use billing::manifest::edit::FileEdit;
use billing::manifest::masked;
use similar::TextDiff;

/// Lines of the file around each change.
const CONTEXT: usize = 3;

/// The change to one file, for a terminal and for `git apply`. Anything that looks like a key or secret is masked.
pub fn shown(edit: &FileEdit) -> String {
    let (before, after) = (edit.before.as_deref().unwrap_or_default(), edit.after.as_deref().unwrap_or_default());
    let name = |text: &Option<String>| if text.is_some() { edit.path.as_str() } else { "/dev/null" };
    let diff = TextDiff::from_lines(before, after);
    let diff = diff.unified_diff().context_radius(CONTEXT).header(name(&edit.before), name(&edit.after)).to_string();
    masked(&diff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(before: Option<&str>, after: Option<&str>) -> FileEdit {
        FileEdit { path: "m.yaml".to_owned(), before: before.map(str::to_owned), after: after.map(str::to_owned) }
    }

    #[test]
    fn only_what_changes_and_its_neighbours_are_shown() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let shown = shown(&edit(Some(before), Some(&before.replace("e\n", "e\nnew\n"))));
        assert_eq!(shown, "--- m.yaml\n+++ m.yaml\n@@ -3,6 +3,7 @@\n c\n d\n e\n+new\n f\n g\n h\n");
    }

    #[test]
    fn a_new_file_and_a_deleted_one_are_told_apart() {
        assert_eq!(shown(&edit(None, Some("a\n"))), "--- /dev/null\n+++ m.yaml\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(shown(&edit(Some("a\n"), None)), "--- m.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
    }
}
