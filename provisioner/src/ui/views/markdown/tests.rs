use proptest::prelude::*;

use super::*;

/// Whether a cell is a code span or a code element from which nothing can break out.
fn is_inert(cell: &str) -> bool {
    if let Some(span) = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return !span.is_empty() && !span.contains(['`', '|', '\\', '\n', '\r']);
    }
    let Some(inside) = cell.strip_prefix("<code>").and_then(|rest| rest.strip_suffix("</code>")) else { return false };
    let mut rest = inside;
    while let Some((plain, after)) = rest.split_once("&#") {
        let Some((number, tail)) = after.split_once(';') else { return false };
        let entity = number.parse::<u32>().ok().and_then(char::from_u32);
        if !harmless(plain) || entity.is_none_or(|c| c.is_control()) {
            return false;
        }
        rest = tail;
    }
    harmless(rest)
}

fn harmless(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || (!c.is_ascii() && !is_unseen(c)))
}

/// What a browser would show of it.
fn shown(cell: &str) -> String {
    if let Some(span) = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return span.to_owned();
    }
    let inside = cell.strip_prefix("<code>").and_then(|rest| rest.strip_suffix("</code>")).expect("an element");
    let mut out = String::new();
    let mut rest = inside;
    while let Some((plain, after)) = rest.split_once("&#") {
        let (number, tail) = after.split_once(';').expect("an entity");
        out.push_str(plain);
        out.extend(number.parse::<u32>().ok().and_then(char::from_u32));
        rest = tail;
    }
    out + rest
}

const HOSTILE: &[&str] = &[
    "` | <b>x</b> @everyone #1 ![x](http://evil) `",
    "a|b\\|c\\",
    "</code><script>alert(1)</script>",
    "line\r\n\n# heading\n- item\n```\n",
    "&#96;&lt;",
    "",
    " leading and trailing ",
    "\u{202e}gpj.exe\u{200b}",
    "\\`*_{}[]()#+-.!~:https://evil.example www.evil.example",
];

#[test]
fn hostile_texts_stay_texts() {
    for text in HOSTILE {
        let cell = code(text);
        assert!(is_inert(&cell), "{text:?} became {cell}");
    }
    assert_eq!(code("lambda_function.costs"), "`lambda_function.costs`");
    assert_eq!(code("a|b"), "<code>a&#124;b</code>");
    assert_eq!(code("x\ny"), "<code>x&#92;ny</code>");
}

fn block(rows: usize, cell: &str) -> Block {
    let rows = vec![vec![cell.to_owned(), cell.to_owned(), cell.to_owned()]; rows];
    Block { head: code(cell), columns: &["Field", "Found", "As left"], rows, below: Vec::new() }
}

#[test]
fn the_worst_resource_fits_and_what_does_not_is_counted() {
    for cell in ["|".repeat(1000), "\u{202e}".repeat(1000), "𝄞".repeat(1000)] {
        let mut document = Document::new("## Drift", "`billform drift`");
        document.section("Changed", [(None, block(1000, &cell))]);
        let text = document.finish();
        assert!(text.contains("… and 980 more fields") && !text.contains("did not fit"), "{}", text.len());
        assert!(text.len() < LIMIT, "{}", text.len());
    }
    let mut document = Document::new("## Drift", "`billform drift`");
    document.section("Changed", (0..5_000).map(|_| (Some("acme"), block(3, "tags.`x`"))));
    document.list("Not read", ["`a`".to_owned()]);
    let text = document.finish();
    assert!(text.len() < LIMIT && text.len() > LIMIT - 2_000, "{}", text.len());
    let shown = text.lines().filter(|line| line.starts_with("- ")).count();
    let last = text.lines().last().expect("lines");
    assert_eq!(last, format!("**{} more** did not fit: `billform drift` shows all.", 5_001 - shown));
    let before = text.lines().rev().nth(2).expect("lines");
    assert!(before.is_empty() || before.starts_with("  |"), "cut at the end of a resource: {before}");
}

proptest! {
    #[test]
    fn nothing_breaks_out(text in any::<String>()) {
        let cell = code(&text);
        prop_assert!(is_inert(&cell), "{}", cell);
        prop_assert!(cell.len() < 15 + (LONGEST_TEXT + 1) * 7);
    }

    #[test]
    fn what_is_shown_is_what_it_says(text in "[ -~äß€𝄞]{1,100}") {
        prop_assert_eq!(shown(&code(&text)), text);
    }

    #[test]
    fn a_row_has_as_many_cells_as_the_table(cells in prop::collection::vec(any::<String>(), 3)) {
        let block = Block { head: code(&cells[0]), columns: &["Field", "Found", "As left"], rows: vec![cells], below: Vec::new() };
        let text = block.render();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        prop_assert_eq!(lines.len(), 4);
        for line in &lines[1..] {
            prop_assert!(line.starts_with("  | ") && line.ends_with(" |"));
            prop_assert_eq!(line.matches('|').count(), 4);
        }
    }
}
