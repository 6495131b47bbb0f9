//! A tenant added, changed or removed.

use super::outline::{Outline, Piece, Quotes, Shape, Style};
use super::said::assert_only;
use super::splice::{Splice, indented, spliced};
use super::written::{Written, flow_map, scalar};
use super::{FileEdit, Refusal};
use crate::function::FunctionSpec;
use crate::manifest::model::Tenant;
use crate::manifest::node::Step;
use crate::manifest::source::{Role, Source};
use crate::manifest::{Manifest, Problem, load, schema};

/// Where an edit is made: the manifest's files, the environment asked for, and the handlers it may name.
#[derive(Debug, Clone, Copy)]
pub struct TenantEdit<'a> {
    /// The manifest's files.
    pub sources: &'a [Source],
    /// The `--environment` asked for.
    pub environment: Option<&'a str>,
    /// The bundle's handlers, as [`load`] takes them.
    pub handlers: &'a [FunctionSpec],
}

/// Adds a tenant: to the list that holds the others, or as `tenants/ID.yaml` where each has a file of its own.
/// `folder` is that folder's path as the sources name it, when the manifest has one.
///
/// # Errors
/// The manifest is unsound before or after.
pub fn add_tenant(
    at: &TenantEdit<'_>,
    id: &str,
    fields: &[(String, Written)],
    folder: Option<&str>,
) -> Result<FileEdit, Refusal> {
    let before = at.manifest()?;
    if before.tenant(id).is_some() {
        return Err(Refusal::impossible(
            format!("the manifest has a tenant `{id}` already"),
            "`tenant set` changes it",
        ));
    }
    let mut entries = vec![("id".to_owned(), Written::Text(id.to_owned()))];
    entries.extend_from_slice(fields);
    entries.sort_by_key(|(key, _)| rank(key));
    let edit = match folder.filter(|_| at.overlay_of_tenants().is_none()) {
        Some(folder) => {
            let path = format!("{folder}/{id}.yaml");
            if at.sources.iter().any(|source| source.path == path) {
                let message = format!("{path} is there already, and holds others");
                return Err(Refusal::impossible(
                    message,
                    "move them into files of their own names, or choose another id",
                ));
            }
            let text = block(&entries, Style::Block).join("\n") + "\n";
            FileEdit { path, before: None, after: Some(text) }
        }
        None => append(at.list_source()?, &entries)?,
    };
    at.prove(&before, edit, |tenants, after| {
        let added = after.iter().find(|tenant| tenant.id == id);
        tenants.extend(added.cloned());
    })
}

/// Changes what a tenant's keys say, and takes keys out. `tags` given are set one by one; others stay.
///
/// # Errors
/// There is no such tenant or key, or the manifest is unsound before or after.
pub fn set_tenant(
    at: &TenantEdit<'_>,
    id: &str,
    fields: &[(String, Written)],
    unset: &[String],
) -> Result<FileEdit, Refusal> {
    let before = at.manifest()?;
    at.known(&before, id)?;
    let source = at.source_of(id)?;
    let mut edit = at.whole(source);
    for (key, value) in fields {
        edit = changed(edit, id, |outline, tenant| set(outline, tenant, key, value))?;
    }
    for key in unset {
        edit = changed(edit, id, |outline, tenant| take_out(outline, tenant, id, key))?;
    }
    let gone: Vec<Vec<Step>> = unset.iter().map(|key| steps(key)).collect();
    assert_only(source, edit.after.as_deref().unwrap_or_default(), id, &touched(fields), &gone)?;
    at.prove(&before, edit, |tenants, after| {
        let (old, new) =
            (tenants.iter().position(|tenant| tenant.id == id), after.iter().find(|tenant| tenant.id == id));
        if let (Some(old), Some(new)) = (old, new) {
            tenants[old] = new.clone();
        }
    })
}

/// Removes a tenant: its lines, or its file where it has one of its own. Comments above it stay.
///
/// # Errors
/// There is no such tenant, or the manifest is unsound before or after.
pub fn remove_tenant(at: &TenantEdit<'_>, id: &str) -> Result<FileEdit, Refusal> {
    let before = at.manifest()?;
    at.known(&before, id)?;
    let source = at.source_of(id)?;
    let outline = Outline::of(&source.text)?;
    let (holder, list) = tenants_in(&outline).ok_or_else(|| lost(id))?;
    let after = match list {
        List::One => None,
        List::Many(list) if list.items().len() == 1 && holder.is_none() => None,
        List::Many(list) => {
            let index = list.items().iter().position(|tenant| is(tenant, id)).ok_or_else(|| lost(id))?;
            let splices = match holder.filter(|_| list.items().len() == 1) {
                Some(key) => outline.emptied(key, list, "[]"),
                None => outline.remove_item(list, index),
            };
            Some(spliced(&source.text, splices))
        }
    };
    let edit = FileEdit { path: source.path.clone(), before: Some(source.text.clone()), after };
    let proved = at.prove(&before, edit, |tenants, _| tenants.retain(|tenant| tenant.id != id));
    match (proved, tenant_in(&outline, id).and_then(|tenant| outline.repeated(&tenant.whole()))) {
        (Err(_), Some((anchor, alias))) => Err(Refusal::impossible(
            format!("tenant `{id}` holds the anchor `&{anchor}`, which {}:{alias} repeats", source.path),
            "write the value out there first; nothing was written",
        )),
        (proved, _) => proved,
    }
}

/// The keys that fields are written to; of a mapping each key of its own.
fn touched(fields: &[(String, Written)]) -> Vec<Vec<Step>> {
    let keys = |(key, value): &(String, Written)| match value {
        Written::Map(entries) => entries.iter().map(|(name, _)| vec![Step::from(key), Step::from(name)]).collect(),
        _ => vec![vec![Step::from(key)]],
    };
    fields.iter().flat_map(keys).collect()
}

/// `budget`, or one tag: `tags.Client`.
fn steps(key: &str) -> Vec<Step> {
    match key.split_once('.') {
        Some((outer, inner)) => vec![Step::from(outer), Step::from(inner)],
        None => vec![Step::from(key)],
    }
}

impl<'a> TenantEdit<'a> {
    fn manifest(&self) -> Result<Manifest, Refusal> {
        self.load(self.sources).map_err(Refusal::Unsound)
    }

    fn load(&self, sources: &[Source]) -> Result<Manifest, Vec<Problem>> {
        load(sources, self.environment, self.handlers)
    }

    fn known(&self, manifest: &Manifest, id: &str) -> Result<(), Refusal> {
        let known: Vec<&str> = manifest.tenants.iter().map(|tenant| tenant.id.as_str()).collect();
        match known.contains(&id) {
            true => Ok(()),
            false => {
                let hint = crate::manifest::suggest::among(id, known.iter().copied(), "tenants");
                Err(Refusal::impossible(format!("the manifest has no tenant `{id}`"), hint))
            }
        }
    }

    /// The environment's file that holds, if there is one.
    fn overlay(&self) -> Option<&'a Source> {
        let named = || {
            let base = self.base()?;
            let outline = Outline::of(&base.text).ok()?;
            outline.root?.get("environment")?.reads().map(str::to_owned)
        };
        let wanted = self.environment.map(str::to_owned).or_else(named)?;
        let single = self.sources.len() == 1;
        self.sources.iter().find(|source| !single && source.role() == Role::Environment(wanted.as_str()))
    }

    /// The same, if it has tenants: these replace the base's and the files beside it.
    fn overlay_of_tenants(&self) -> Option<&'a Source> {
        let has_tenants = |outline: Outline<'_>| outline.root.is_some_and(|root| root.get("tenants").is_some());
        self.overlay().filter(|overlay| Outline::of(&overlay.text).is_ok_and(has_tenants))
    }

    fn base(&self) -> Option<&'a Source> {
        let single = self.sources.len() == 1;
        self.sources.iter().find(|source| single || source.role() == Role::Base)
    }

    /// The file whose `tenants` list holds.
    fn list_source(&self) -> Result<&'a Source, Refusal> {
        let source = self.overlay_of_tenants().or_else(|| self.base());
        source.ok_or_else(|| Refusal::impossible("there is no manifest here", "run `billform init`"))
    }

    /// The file that a tenant is written in.
    fn source_of(&self, id: &str) -> Result<&'a Source, Refusal> {
        let holds = |source: &&Source| Outline::of(&source.text).is_ok_and(|outline| tenant_in(&outline, id).is_some());
        let found = match self.overlay_of_tenants() {
            Some(overlay) => Some(overlay).filter(holds),
            None => {
                let beside =
                    self.sources.iter().filter(|source| source.role() == Role::Tenants && self.sources.len() > 1);
                self.base().into_iter().chain(beside).find(holds)
            }
        };
        found.ok_or_else(|| lost(id))
    }

    fn whole(&self, source: &Source) -> FileEdit {
        let text = Some(source.text.clone());
        FileEdit { path: source.path.clone(), before: text.clone(), after: text }
    }

    /// Hands the edit out if the new manifest is sound and says what the old one said with `wanted` done to its tenants.
    fn prove(
        &self,
        before: &Manifest,
        edit: FileEdit,
        wanted: impl FnOnce(&mut Vec<Tenant>, &[Tenant]),
    ) -> Result<FileEdit, Refusal> {
        let after = self.load(&edit.applied(self.sources)).map_err(Refusal::Unsound)?;
        let mut expected = before.clone();
        wanted(&mut expected.tenants, &after.tenants);
        let mut found = after;
        // A file of its own may be read in another place of the list, which says nothing.
        for manifest in [&mut expected, &mut found] {
            manifest.tenants.sort_by(|one, other| one.id.cmp(&other.id));
        }
        expected.later.clone_from(&found.later);
        match expected == found {
            true => Ok(edit),
            false => Err(Refusal::impossible(
                format!("{} is written in a way that the edit would change elsewhere too", edit.path),
                "edit it by hand; nothing was written",
            )),
        }
    }
}

fn lost(id: &str) -> Refusal {
    Refusal::impossible(format!("the place of tenant `{id}` was not found"), "edit the manifest by hand")
}

/// The tenants of a file.
enum List<'a> {
    /// The file is one tenant.
    One,
    /// A list of them.
    Many(&'a Piece),
}

/// A file's tenants: the list of a manifest with the key it stands under, a list, or one tenant.
fn tenants_in<'a>(outline: &'a Outline<'_>) -> Option<(Option<&'a Piece>, List<'a>)> {
    let root = outline.root.as_ref()?;
    match &root.shape {
        Shape::List { .. } => Some((None, List::Many(root))),
        Shape::Map { entries, .. } => match entries.iter().find(|(key, _)| key.reads() == Some("tenants")) {
            Some((key, list)) => Some((Some(key), List::Many(list))),
            None => Some((None, List::One)),
        },
        _ => None,
    }
}

fn tenant_in<'a>(outline: &'a Outline<'_>, id: &str) -> Option<&'a Piece> {
    match tenants_in(outline)?.1 {
        List::One => outline.root.as_ref().filter(|tenant| is(tenant, id)),
        List::Many(list) => list.items().iter().find(|tenant| is(tenant, id)),
    }
}

fn is(tenant: &Piece, id: &str) -> bool {
    tenant.get("id").and_then(Piece::reads) == Some(id)
}

/// A tenant's keys in the order of the model.
fn rank(key: &str) -> usize {
    let order = schema::Place::root().key("tenants").and_then(|tenants| tenants.item()).map(|tenant| tenant.keys());
    order.unwrap_or_default().iter().position(|known| *known == key).unwrap_or(usize::MAX)
}

/// A tenant's lines, in the style of the tenant before it.
fn append(source: &Source, entries: &[(String, Written)]) -> Result<FileEdit, Refusal> {
    let outline = Outline::of(&source.text)?;
    let root = outline.root.as_ref();
    let found = root.and_then(|root| root.entries().iter().find(|(key, _)| key.reads() == Some("tenants")));
    let flow = flow_map(entries.iter().map(|(key, value)| format!("{key}: {}", value.flow())));
    let splices = match found {
        Some((_, list)) if !list.items().is_empty() => {
            let like = list.items().last();
            let lines = match like.and_then(Piece::style) {
                Some(Style::Flow) => vec![format!("- {flow}")],
                _ => dashed(&block(entries, tags_style(like))),
            };
            outline.append_item(list, &lines, &flow)
        }
        Some((_, list)) if list.shape == Shape::Alias => {
            let place = format!("{}:{}", source.path, outline.line(list.range.start));
            let message = format!("`tenants` is the alias `{}`, at {place}", &outline.text[list.range.clone()]);
            return Err(Refusal::impossible(message, "write the tenants out there; nothing was written"));
        }
        Some((_, list)) if outline.comment_in(&list.range).is_some() => {
            let hint = "move them above `tenants`, or write the tenant by hand: they would be lost";
            return Err(Refusal::impossible("`tenants` has no tenant, and comments within its brackets", hint));
        }
        Some((key, list)) if outline.opens_line(key.range.start) => {
            let mut splices = vec![outline.insert_lines(outline.next_line(list.range.end), &first(entries))];
            if !list.is_missing() {
                // `tenants: []`: the brackets go, with the space before them.
                let start = outline.text[..list.range.start].trim_end().len();
                splices.push(Splice { range: start..list.range.end, with: String::new() });
            }
            splices
        }
        Some((_, list)) => vec![outline.replace(list, &format!("[{flow}]"))],
        None => {
            let lines: Vec<String> = std::iter::once("tenants:".to_owned()).chain(first(entries)).collect();
            vec![outline.insert_lines(outline.text.len(), &lines)]
        }
    };
    let after = Some(spliced(&source.text, splices));
    Ok(FileEdit { path: source.path.clone(), before: Some(source.text.clone()), after })
}

/// The lines of a first tenant, which has no other to be like.
fn first(entries: &[(String, Written)]) -> Vec<String> {
    indented(&dashed(&block(entries, Style::Flow)), 2)
}

/// How a tenant writes its tags.
fn tags_style(tenant: Option<&Piece>) -> Style {
    tenant.and_then(|tenant| tenant.get("tags")).and_then(Piece::style).unwrap_or(Style::Flow)
}

/// A tenant's lines without indentation.
fn block(entries: &[(String, Written)], tags: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, value) in entries {
        match value {
            Written::Map(map) if tags == Style::Block => {
                lines.push(format!("{key}:"));
                let line = |(name, value): &(String, String)| {
                    format!("  {}: {}", scalar(name, Quotes::None), scalar(value, Quotes::None))
                };
                lines.extend(map.iter().map(line));
            }
            _ => lines.push(format!("{key}: {}", value.flow())),
        }
    }
    lines
}

/// Lines as one element of a list.
fn dashed(lines: &[String]) -> Vec<String> {
    let mark = |(index, line): (usize, &String)| if index == 0 { format!("- {line}") } else { format!("  {line}") };
    lines.iter().enumerate().map(mark).collect()
}

/// The edit with one more change to its tenant.
fn changed(
    edit: FileEdit,
    id: &str,
    change: impl Fn(&Outline<'_>, &Piece) -> Result<Vec<Splice>, Refusal>,
) -> Result<FileEdit, Refusal> {
    let text = edit.after.unwrap_or_default();
    let outline = Outline::of(&text)?;
    let tenant = tenant_in(&outline, id).ok_or_else(|| lost(id))?;
    let after = Some(spliced(&text, change(&outline, tenant)?));
    Ok(FileEdit { after, ..edit })
}

fn set(outline: &Outline<'_>, tenant: &Piece, key: &str, value: &Written) -> Result<Vec<Splice>, Refusal> {
    let Some(found) = tenant.get(key) else {
        return Ok(insert(outline, tenant, key, value));
    };
    match (value, &found.shape) {
        (Written::Text(text), Shape::Scalar { .. }) => Ok(vec![outline.replace_scalar(found, text)]),
        (Written::List(items), Shape::List { .. }) => set_list(outline, tenant, key, found, items),
        (Written::Text(text), Shape::List { .. }) => set_list(outline, tenant, key, found, std::slice::from_ref(text)),
        (Written::Map(entries), Shape::Map { .. }) => set_map(outline, found, entries),
        (_, Shape::Scalar { .. }) => Ok(vec![outline.replace(found, &value.flow())]),
        (Written::Map(_), Shape::Alias) => {
            let (alias, line) = (&outline.text[found.range.clone()], outline.line(found.range.start));
            let message =
                format!("`{key}` is the alias `{alias}`, in line {line}: what it repeats is not this tenant's alone");
            Err(Refusal::impossible(message, "write it out there first; nothing was written"))
        }
        (_, Shape::Alias) => Ok(vec![outline.replace(found, &value.flow())]),
        _ if found.style() == Some(Style::Flow) => Ok(vec![outline.replace(found, &value.flow())]),
        _ => Err(Refusal::impossible(
            format!("`{key}` is written in a way that this edit does not know"),
            "edit it by hand",
        )),
    }
}

/// A key that the tenant does not have yet, behind the last of those that the model names before it.
fn insert(outline: &Outline<'_>, tenant: &Piece, key: &str, value: &Written) -> Vec<Splice> {
    let before = |(name, _): &(Piece, Piece)| name.reads().is_some_and(|name| rank(name) < rank(key));
    let after = tenant.entries().iter().rposition(before);
    let lines = block(&[(key.to_owned(), value.clone())], Style::Flow);
    outline.insert_entry(tenant, after, &lines, &format!("{key}: {}", value.flow()))
}

/// A list of texts, written anew in brackets.
fn set_list(
    outline: &Outline<'_>,
    tenant: &Piece,
    key: &str,
    list: &Piece,
    wanted: &[String],
) -> Result<Vec<Splice>, Refusal> {
    let have: Vec<&str> = list.items().iter().filter_map(Piece::reads).collect();
    if have == wanted {
        return Ok(Vec::new());
    }
    let flow = Written::List(wanted.to_vec()).flow();
    let holder = tenant.entries().iter().find(|(name, _)| name.reads() == Some(key));
    match holder {
        // Also behind the last element.
        Some((name, _)) if outline.comment_in(&(list.range.start..outline.line_end(list.range.end))).is_none() => {
            Ok(outline.emptied(name, list, &flow))
        }
        _ => {
            let message = format!("`{key}` has comments beside its elements");
            Err(Refusal::impossible(message, "edit it by hand: they would be lost"))
        }
    }
}

/// A mapping of texts: each given key is set, the others stay.
fn set_map(outline: &Outline<'_>, map: &Piece, wanted: &[(String, String)]) -> Result<Vec<Splice>, Refusal> {
    let (mut splices, mut new) = (Vec::new(), Vec::new());
    for (key, value) in wanted {
        match map.get(key) {
            // The days of the others would be lost.
            Some(found) if matches!(found.shape, Shape::List { .. }) => {
                return Err(Refusal::impossible(
                    format!("`{key}` has values by day, and one without a day would replace them all"),
                    format!("add `{{ value: {value}, from: … }}` to its list by hand"),
                ));
            }
            Some(found) => splices.push(outline.replace_scalar(found, value)),
            None => new.push(format!("{}: {}", scalar(key, Quotes::None), scalar(value, Quotes::None))),
        }
    }
    if !new.is_empty() {
        splices.extend(outline.insert_entry(map, None, &new, &new.join(", ")));
    }
    Ok(splices)
}

/// Takes a key out of a tenant: `budget`, or one tag: `tags.Client`.
fn take_out(outline: &Outline<'_>, tenant: &Piece, id: &str, key: &str) -> Result<Vec<Splice>, Refusal> {
    let missing = || {
        let keys: Vec<&str> = tenant.entries().iter().filter_map(|(key, _)| key.reads()).collect();
        let hint = match tenant
            .entries()
            .iter()
            .any(|(key, value)| key.reads() == Some("<<") || value.shape == Shape::Alias)
        {
            true => format!("it has {}; what an alias brings is taken out by hand", keys.join(", ")),
            false => format!("it has {}", keys.join(", ")),
        };
        Refusal::impossible(format!("tenant `{id}` has no `{key}`"), hint)
    };
    if let Some(index) = tenant.position(key) {
        return Ok(outline.remove_entry(tenant, index));
    }
    let (outer, inner) = key.split_once('.').ok_or_else(missing)?;
    let at = tenant.position(outer).ok_or_else(missing)?;
    let (name, map) = &tenant.entries()[at];
    let index = map.position(inner).ok_or_else(missing)?;
    Ok(match map.entries().len() {
        1 => outline.emptied(name, map, "{}"),
        _ => outline.remove_entry(map, index),
    })
}
