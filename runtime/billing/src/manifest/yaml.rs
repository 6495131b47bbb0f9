//! YAML text -> [`Node`]. The part of YAML that a manifest needs, and a clear problem for the rest: tags, values over
//! several lines and several documents are refused, because they hide what a manifest says.
//!
//! Anchors and aliases are read (YAML 1.2.2, 7.1), and merge keys as most readers know them
//! (<https://yaml.org/type/merge.html>): a mapping's own keys come before merged ones, earlier merged ones before later.

use std::collections::HashMap;

use serde_yaml::granit_parser::{self, ErrorKind, Event, Parser, ScalarStyle, ScanError};

use super::anchors::{Anchors, Refused};
use super::node::{Entry, Node, Span, Standing, Value};
use super::problem::Problem;
use super::scalar::is_null;
use super::source::Source;

/// Larger files are refused, in bytes. A thousand tenants take about 300 KB.
const LARGEST_FILE: usize = 8 << 20;
/// A manifest is five levels deep.
const DEEPEST: usize = 32;

type Spanned<'a> = (Event<'a>, granit_parser::Span);

/// The tree of one source. Duplicate keys, anchors and the like are reported and left out; text that is no YAML is
/// reported and gives no tree.
pub(super) fn parse(sources: &[Source], file: usize, problems: &mut Vec<Problem>) -> Option<Node> {
    let full = &sources[file].text;
    // A byte-order mark is invisible and harmless; it takes no column.
    let text = full.strip_prefix('\u{feff}').unwrap_or(full);
    if text.len() > LARGEST_FILE {
        let hint = format!("split it: tenants may lie in tenants/*.yaml; a file may have {} MiB", LARGEST_FILE >> 20);
        let message = format!("the file has {} bytes: too many for a manifest", text.len());
        problems.push(Problem::at(sources, Span::start_of(file), message, Some(hint)));
        return None;
    }
    let options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    let mut reader = Reader {
        sources,
        file,
        problems,
        events: Parser::new_from_str_with_options(text, options),
        anchors: Anchors::default(),
        depth: 0,
    };
    match reader.document() {
        Ok(node) => node,
        Err(error) => {
            reader.report_syntax(&error);
            None
        }
    }
}

struct Reader<'a> {
    sources: &'a [Source],
    file: usize,
    problems: &'a mut Vec<Problem>,
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: Anchors,
    /// How many lists and mappings are open.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Option<Node>, ScanError> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::StreamEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    let hint = "a file holds one document; give the second a file of its own";
                    self.report(self.span(&span), "a second document starts here", hint);
                    return Ok(root);
                }
                Event::DocumentStart(..) => {}
                _ => root = Some(self.node((event, span))?),
            }
        }
        let empty = root.as_ref().is_none_or(|node| matches!(&node.value, Value::Plain(text) if is_null(text)));
        if empty {
            self.report(Span::start_of(self.file), "the file is empty", "run `billform init` to get a commented one");
            return Ok(None);
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<Option<Spanned<'a>>, ScanError> {
        self.events.next().transpose()
    }

    fn expect_next(&mut self) -> Result<Spanned<'a>, ScanError> {
        let marker = granit_parser::Marker::new(0, 1, 0);
        self.next()?.ok_or_else(|| ScanError::new(marker, "the text ends too early"))
    }

    /// The node that starts with an event already taken.
    fn node(&mut self, (event, span): Spanned<'a>) -> Result<Node, ScanError> {
        let at = self.span(&span);
        self.report_tag(&event, at);
        let anchor = anchor_of(&event);
        if let Some(anchor) = anchor {
            self.anchors.open(anchor);
        }
        let value = match event {
            Event::Scalar(text, style, ..) => self.scalar(text.into_owned(), style, &span),
            Event::SequenceStart(..) => self.list()?,
            Event::MappingStart(..) => self.map()?,
            Event::Alias(anchor) => return Ok(self.alias(anchor, at)),
            Event::UnresolvedAlias(name) => {
                let hint = format!("write `&{name}` before the value that it is to repeat, above this line");
                self.report(at, &format!("no anchor above this line has the name of the alias `*{name}`"), &hint);
                Value::Hole
            }
            _ => Value::Hole,
        };
        let node = Node { span: at, value };
        if let Some(anchor) = anchor
            && let Err(refused) = self.anchors.close(anchor, &node)
        {
            self.report_refused(at, refused);
        }
        Ok(node)
    }

    /// What an alias repeats.
    fn alias(&mut self, anchor: usize, at: Span) -> Node {
        match self.anchors.repeat(anchor, (at.line, at.column), DEEPEST - self.depth) {
            Ok(node) => node,
            Err(refused) => {
                self.report_refused(at, refused);
                Node { span: at, value: Value::Hole }
            }
        }
    }

    fn report_refused(&mut self, at: Span, refused: Refused) {
        match refused {
            Refused::Endless => {
                let hint = "an alias repeats what stands above it, not what it stands in; write the value out";
                self.report(at, "this alias would contain itself", hint);
            }
            Refused::TooDeep => self.report(at, TOO_DEEP.0, TOO_DEEP.1),
            Refused::TooLarge => {
                let hint = "aliases of aliases multiply; write out what is meant";
                self.report(at, "the aliases up to here repeat more than a manifest may hold", hint);
            }
        }
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, span: &granit_parser::Span) -> Value {
        if span.end.line() > span.start.line() && !text.is_empty() {
            let hint = "write it on one line; a key that was meant for the next line may be indented too far";
            self.report(self.span(span), "this value goes over several lines", hint);
            return Value::Hole;
        }
        match style {
            ScalarStyle::Plain => Value::Plain(text),
            _ => Value::Quoted(text),
        }
    }

    fn list(&mut self) -> Result<Value, ScanError> {
        self.depth += 1;
        let mut items = Vec::new();
        loop {
            match self.expect_next()? {
                (Event::SequenceEnd, _) => break,
                item => items.push(self.node(item)?),
            }
        }
        self.depth -= 1;
        Ok(Value::List(items))
    }

    fn map(&mut self) -> Result<Value, ScanError> {
        self.depth += 1;
        let mut entries: Vec<Entry> = Vec::new();
        // Each key's line.
        let mut lines: HashMap<String, usize> = HashMap::new();
        let mut merged = None;
        loop {
            let (key, is_merge) = match self.expect_next()? {
                (Event::MappingEnd, _) => break,
                (event, span) => {
                    let is_merge = matches!(&event, Event::Scalar(key, ScalarStyle::Plain, ..) if key == "<<");
                    if anchor_of(&event).is_some() || matches!(event, Event::Alias(_)) {
                        let hint = "write a plain key; anchors and aliases are for values";
                        self.report(self.span(&span), "an anchor or alias stands at a key", hint);
                    }
                    (self.node((event, span))?, is_merge)
                }
            };
            let value = self.expect_next()?;
            let node = self.node(value)?;
            let key_span = key.span;
            let (Value::Plain(key) | Value::Quoted(key)) = key.value else {
                if key.value != Value::Hole {
                    self.report(key_span, "a list or mapping stands where a key belongs", "write a plain key");
                }
                continue;
            };
            if let Some(first) = lines.get(&key) {
                let hint = format!("the first is in line {first}; keep one of them");
                self.report(key_span, &format!("the key `{key}` stands here a second time"), &hint);
                continue;
            }
            lines.insert(key.clone(), key_span.line);
            match is_merge {
                true => merged = Some(node),
                false => entries.push(Entry { key, key_span, node, standing: Standing::Written }),
            }
        }
        self.depth -= 1;
        if let Some(merged) = merged {
            self.merge(&mut entries, lines, merged);
        }
        Ok(Value::Map(entries))
    }

    /// Puts in what `<<` brings: the keys of a mapping, or of each of a list of mappings, that are not there yet.
    fn merge(&mut self, entries: &mut Vec<Entry>, mut lines: HashMap<String, usize>, merged: Node) {
        let parts = match merged.value {
            Value::List(parts) => parts,
            _ => vec![merged],
        };
        for part in parts {
            match part.value {
                Value::Map(more) => {
                    for entry in more {
                        if lines.insert(entry.key.clone(), entry.key_span.line).is_none() {
                            entries.push(entry);
                        }
                    }
                }
                Value::Hole => {}
                _ => {
                    let hint = "write `<<: *name`, where `&name` stands before a mapping, or `<<: [*one, *two]`";
                    self.report(part.span, "`<<` takes a mapping, or a list of mappings", hint);
                }
            }
        }
    }

    fn report_tag(&mut self, event: &Event<'_>, at: Span) {
        let (Event::Scalar(_, _, _, tag) | Event::SequenceStart(_, _, tag) | Event::MappingStart(_, _, tag)) = event
        else {
            return;
        };
        if tag.is_some() {
            self.report(at, "tags (`!name`) are not used in a manifest", "leave it out; quote what is text");
        }
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        let one_line = span.end.line() == span.start.line();
        let len = if one_line { span.end.col().saturating_sub(span.start.col()) } else { 1 };
        Span {
            file: self.file,
            line: span.start.line().max(1),
            column: span.start.col() + 1,
            len: len.max(1),
            alias: None,
        }
    }

    fn report(&mut self, at: Span, message: &str, hint: &str) {
        self.problems.push(Problem::at(self.sources, at, message, Some(hint.to_owned())));
    }

    fn report_syntax(&mut self, error: &ScanError) {
        let marker = error.marker();
        let line = marker.line().max(1);
        let (message, hint) = explain(error.kind());
        // The parser points behind a tab.
        let tab = Some(TAB).filter(|tab| message == *tab).and_then(|_| {
            let text = self.sources[self.file].text.lines().nth(line - 1)?;
            text.chars().position(|character| character == '\t')
        });
        let span = Span { file: self.file, line, column: tab.unwrap_or(marker.col()) + 1, len: 1, alias: None };
        self.problems.push(Problem::at(self.sources, span, message, hint.map(str::to_owned)));
    }
}

/// The parser's number of the anchor that a value has.
fn anchor_of(event: &Event<'_>) -> Option<usize> {
    let (Event::Scalar(_, _, anchor, _) | Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _)) =
        event
    else {
        return None;
    };
    Some(*anchor).filter(|anchor| *anchor != 0)
}

const TOO_DEEP: (&str, &str) = ("this is nested too deeply", "a manifest is a few levels deep");

const TAB: &str = "a tab stands here";

/// What the parser's error means to someone who writes a manifest.
fn explain(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, hint) = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => (TAB, "YAML is indented with spaces"),
        ErrorKind::RecursionLimitExceeded => TOO_DEEP,
        ErrorKind::UnclosedQuotedScalar => ("a quoted text is not closed", "add the closing quote"),
        ErrorKind::InvalidQuotedScalarIndent | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("a quoted text above this line is not closed", "add the closing quote")
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            ("a bracket here is not closed, or closed by the wrong one", "every `[` needs a `]` and every `{` a `}`")
        }
        ErrorKind::MappingValueNotAllowed => {
            ("a `: ` stands where no value can start", "quote a text that holds `: `, or check the indentation")
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            ("this line fits neither the lines above nor below", "check its indentation")
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("this is no `key: value`", "write a colon and a space after the key")
        }
        other => return (format!("this is no YAML: {other}"), None),
    };
    (message.to_owned(), Some(hint))
}
