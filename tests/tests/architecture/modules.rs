//! The modules of a package and what they import of each other, read from the sources.
//!
//! A module is a file. What counts as an import is every path that starts at `crate`, `super`, `self`, a module declared
//! here or a name imported here, in a `use` as in an expression; test code is left out.
//! - A file that holds nothing but declarations and re-exports is no module of its own: who imports `engine::State` imports
//!   the file that defines it.
//! - Any other file stands for what it re-exports: who imports `apply::Outcome` imports `apply`, wherever that lies.
//! - A child that is declared without `pub` is a part of its parent, cut off for length: the parent imports it, and what it
//!   takes from the parent is no import. A public child that does so is in a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::{Token, test_modules, tokens};

/// A package's modules by their paths: `""` is the root, `apply::calls` lies in `apply/calls.rs`.
pub struct Package {
    modules: BTreeMap<String, Module>,
}

/// Who imports whom.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

#[derive(Default)]
struct Module {
    /// Declared modules, and whether others may name them.
    children: BTreeMap<String, bool>,
    /// What names that are imported here stand for, as absolute paths.
    names: BTreeMap<String, Vec<String>>,
    /// Absolute paths of everything in `crate::…::*`.
    globs: Vec<Vec<String>>,
    /// Whether it holds declarations and imports only.
    declares_only: bool,
    /// Every absolute path that its text says.
    paths: BTreeSet<Vec<String>>,
}

impl Package {
    /// Reads a package from its files: paths below `src` with `/`, and their texts.
    pub fn read(files: &[(String, String)]) -> Package {
        let tests: BTreeSet<String> = files
            .iter()
            .flat_map(|(file, text)| {
                let module = module_of(file);
                test_modules(text).into_iter().map(move |test| join(&module, &test))
            })
            .collect();
        let is_test = |module: &str| {
            tests
                .iter()
                .any(|test| module.strip_prefix(test).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
        };
        let has_library = files.iter().any(|(file, _)| file == "lib.rs");
        let counts = |file: &str| !(file == "main.rs" && has_library || is_test(&module_of(file)));
        let read = files.iter().filter(|(file, _)| counts(file)).map(|(file, text)| {
            let module = module_of(file);
            (module.clone(), Module::read(&module, &tokens(text)))
        });
        Package { modules: read.collect() }
    }

    /// Returns what every module imports of its own package.
    pub fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (name, module) in self.modules.iter().filter(|(_, module)| !module.declares_only) {
            let parts = module.children.iter().filter(|(_, public)| !**public).map(|(child, _)| join(name, child));
            let mut found: BTreeSet<String> = parts.filter(|part| self.modules.contains_key(part)).collect();
            for path in &module.paths {
                self.resolve(path, &mut BTreeSet::new(), &mut found);
            }
            found.retain(|target| target != name && !self.is_part_of(name, target));
            imports.insert(name.clone(), found);
        }
        imports
    }

    /// Whether a module is cut off from another one, or from such a part of it.
    fn is_part_of(&self, module: &str, whole: &str) -> bool {
        let Some((parent, child)) = split(module) else { return false };
        let is_private = self.modules.get(&parent).and_then(|parent| parent.children.get(&child)) == Some(&false);
        is_private && (parent == whole || self.is_part_of(&parent, whole))
    }

    /// Adds the modules that an absolute path leads to.
    fn resolve(&self, path: &[String], seen: &mut BTreeSet<Vec<String>>, found: &mut BTreeSet<String>) {
        if !seen.insert(path.to_vec()) {
            return;
        }
        let mut at = String::new();
        for (position, name) in path.iter().enumerate() {
            let Some(module) = self.modules.get(&at) else { return };
            if module.children.contains_key(name) && self.modules.contains_key(&join(&at, name)) {
                at = join(&at, name);
                continue;
            }
            if !module.declares_only {
                break;
            }
            let rest = &path[position + 1..];
            if name == "*" {
                let all = module.names.values().chain(&module.globs);
                all.for_each(|target| self.resolve(target, seen, found));
            } else if let Some(target) = module.names.get(name) {
                self.resolve(&[target.as_slice(), rest].concat(), seen, found);
            } else {
                for glob in &module.globs {
                    self.resolve(&[glob.as_slice(), &path[position..]].concat(), seen, found);
                }
            }
            return;
        }
        // A path that ends at a module only gives it a name here; what is used of it says another path.
        let names_module = path.join("::") == at;
        if !names_module && self.modules.get(&at).is_some_and(|module| !module.declares_only) {
            found.insert(at);
        }
    }
}

impl Module {
    fn read(name: &str, tokens: &[Token]) -> Module {
        let mut module = Module { declares_only: true, ..Module::default() };
        let mut at = 0;
        // Declarations and imports first: they say what the other paths mean.
        while at < tokens.len() {
            at = module.item(name, tokens, at);
        }
        let starts = (0..tokens.len()).filter(|at| *at == 0 || !["::", "."].contains(&tokens[at - 1].as_str()));
        for start in starts.filter(|start| tokens.get(start + 1).is_some_and(|next| next == "::")) {
            let mut end = start;
            for path in tree(tokens, &mut end) {
                module.paths.extend(module.absolute(name, &path.names));
            }
        }
        module
    }

    /// Reads what stands at `at`, if it is a declaration or an import; returns where the next token is.
    fn item(&mut self, name: &str, tokens: &[Token], at: usize) -> usize {
        let is = |offset: usize, sign: &str| tokens.get(at + offset).is_some_and(|token| token == sign);
        let public = at > 0 && (tokens[at - 1] == "pub" || tokens[at - 1] == ")");
        if is(0, "mod") && is(2, ";") {
            self.children.insert(tokens[at + 1].clone(), public);
            return at + 3;
        }
        if is(0, "use") {
            let mut end = at + 1;
            for path in tree(tokens, &mut end) {
                let Some(absolute) = self.absolute(name, &path.names) else { continue };
                match absolute.split_last() {
                    Some((last, above)) if last == "*" => self.globs.push(above.to_vec()),
                    Some(_) => drop(self.names.insert(path.called, absolute)),
                    None => {}
                }
            }
            return end + 1;
        }
        if is(0, "#") {
            let open = at + if is(1, "!") { 2 } else { 1 };
            return behind_bracket(tokens, open);
        }
        let visibility = ["pub", "(", ")", "crate", "super"].iter().any(|sign| is(0, sign));
        self.declares_only &= visibility;
        at + 1
    }

    /// A path as it starts at the crate's root; none where it leads out of the package.
    fn absolute(&self, name: &str, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let segments = |module: &str| module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut base: Vec<String> = match first.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => segments(name),
            child if self.children.contains_key(child) => [segments(name), vec![child.to_owned()]].concat(),
            imported => self.names.get(imported)?.clone(),
        };
        if first == "super" {
            base.pop();
        }
        let ups = rest.iter().take_while(|part| *part == "super").count();
        base.truncate(base.len().saturating_sub(ups));
        base.extend(rest[ups..].iter().cloned());
        Some(base)
    }
}

/// One path of an import, and the name it has from then on.
struct Path {
    names: Vec<String>,
    called: String,
}

/// Reads `a::b`, `a::{b, c::d as e}` or `a::*` from `at` on, and moves `at` behind it.
fn tree(tokens: &[Token], at: &mut usize) -> Vec<Path> {
    let mut names = Vec::new();
    loop {
        match tokens.get(*at).map(String::as_str) {
            Some("{") => return branches(tokens, at, &names),
            Some("*") => {
                names.push("*".to_owned());
                *at += 1;
                break;
            }
            Some(word) if word.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_') => {
                names.push(word.to_owned());
                *at += 1;
            }
            _ => break,
        }
        if tokens.get(*at).is_none_or(|next| next != "::") {
            break;
        }
        *at += 1;
    }
    if names.len() > 1 && names.last().is_some_and(|last| last == "self") {
        names.pop();
    }
    let mut called = names.last().cloned().unwrap_or_default();
    if tokens.get(*at).is_some_and(|next| next == "as") {
        called = tokens.get(*at + 1).cloned().unwrap_or_default();
        *at += 2;
    }
    vec![Path { names, called }]
}

fn branches(tokens: &[Token], at: &mut usize, above: &[String]) -> Vec<Path> {
    let mut paths = Vec::new();
    *at += 1;
    while tokens.get(*at).is_some_and(|token| token != "}") {
        let before = *at;
        for path in tree(tokens, at) {
            let is_self = path.names == ["self"];
            let names = if is_self { above.to_vec() } else { [above, path.names.as_slice()].concat() };
            let called =
                if is_self && path.called == "self" { above.last().cloned().unwrap_or_default() } else { path.called };
            paths.push(Path { names, called });
        }
        if tokens.get(*at).is_some_and(|token| token == ",") || *at == before {
            *at += 1;
        }
    }
    *at += 1;
    paths
}

/// Where an attribute has ended that opens at `open`.
fn behind_bracket(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "[" => depth += 1,
            "]" if depth == 1 => return at + 1,
            "]" => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

fn module_of(file: &str) -> String {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = if ["lib", "main", "mod"].contains(&path) { "" } else { path };
    path.strip_suffix("/mod").unwrap_or(path).replace('/', "::")
}

fn join(module: &str, child: &str) -> String {
    if module.is_empty() { child.to_owned() } else { format!("{module}::{child}") }
}

fn split(module: &str) -> Option<(String, String)> {
    if module.is_empty() {
        return None;
    }
    let (parent, child) = module.rsplit_once("::").unwrap_or(("", module));
    Some((parent.to_owned(), child.to_owned()))
}
