//! A manifest on disk: which files belong to it, and where the things beside it lie.

pub mod manifest_file;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use billing::manifest::{Manifest, Problem, Source};
use engine::Address;

use crate::stack;
use crate::ui::failure::Failure;
use crate::ui::options::Global;

/// A manifest that was read and checked, and the folder it lies in.
pub struct Project {
    /// The manifest.
    pub manifest: Manifest,
    /// The folder that relative paths of the manifest start from.
    pub folder: PathBuf,
}

/// Why there is no manifest to work with.
#[derive(Debug)]
pub enum ProjectError {
    /// A file cannot be read.
    Unreadable(Failure),
    /// The manifest has problems, all of them here.
    Invalid(Vec<Problem>),
}

/// The file a folder's manifest lies in.
const MAIN_FILE: &str = "billform.yaml";

impl Project {
    /// Whether a path leads to a manifest. A file that is named counts although it is missing: to read it says so.
    pub fn exists(path: &Path) -> bool {
        !path.is_dir() || path.join(MAIN_FILE).exists()
    }

    /// Reads the manifest that the global options name.
    pub fn load(global: &Global) -> Result<Project, ProjectError> {
        let sources = sources(&global.manifest)?;
        let manifest = billing::manifest::load(&sources, global.environment.as_deref(), &stack::handlers());
        let manifest = manifest.map_err(ProjectError::Invalid)?;
        refuse_stray_imports(&manifest, &sources)?;
        Ok(Project { manifest, folder: folder_of(&global.manifest) })
    }

    /// A project beside this one, for a small stack of its own in the same account: its state lies beside the state.
    pub fn beside(&self, name: &str) -> Project {
        Project { manifest: self.manifest.beside(name), folder: self.folder.clone() }
    }

    /// The manifest's `moved`, in its order.
    pub fn moves(&self) -> Result<Vec<(Address, Address)>, Failure> {
        let parsed = self.manifest.moved.iter().map(|moved| Ok((moved.from.parse()?, moved.to.parse()?)));
        parsed.collect()
    }
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Failure {
        match error {
            ProjectError::Unreadable(failure) => failure,
            ProjectError::Invalid(problems) => {
                let shown: Vec<String> = problems.iter().map(Problem::render).collect();
                let count = match problems.len() {
                    1 => "1 problem".to_owned(),
                    many => format!("{many} problems"),
                };
                Failure::new(format!("the manifest has {count}\n\n{}", shown.join("\n\n")))
            }
        }
    }
}

/// Imports must lead to resources of the manifest; which those are, only the stack knows.
fn refuse_stray_imports(manifest: &Manifest, sources: &[Source]) -> Result<(), ProjectError> {
    if manifest.imports.is_empty() {
        return Ok(());
    }
    let handlers = stack::handlers();
    let wanted = stack::Plan::of(manifest, &handlers);
    // A manifest that makes no graph is refused where the graph is needed.
    let Ok(graph) = stack::graph(&wanted) else { return Ok(()) };
    let strays = stack::imports::strays(manifest, &graph);
    let problems = strays
        .into_iter()
        .filter_map(|stray| Some(stray.import.place.as_ref()?.problem(sources, stray.message, Some(stray.hint))));
    let problems: Vec<Problem> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(ProjectError::Invalid(problems)) }
}

fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The texts a manifest consists of: a file alone, or a folder's main file, tenants and environments.
pub fn sources(path: &Path) -> Result<Vec<Source>, ProjectError> {
    let files = files(path).map_err(ProjectError::Unreadable)?;
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let shown = shown(&file);
        let bytes = fs::read(&file).map_err(|error| ProjectError::Unreadable(unreadable(&shown, &error)))?;
        match Source::from_bytes(shown, bytes) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(ProjectError::Invalid(problems)) }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let main = path.join(MAIN_FILE);
    if !main.exists() {
        return Err(Failure::new(format!("there is no {MAIN_FILE} in {}", path.display()))
            .hint("`billform init` writes one; -f PATH names another file or folder"));
    }
    let mut files = vec![main];
    for folder in ["tenants", "environments"] {
        files.extend(yaml_files(&path.join(folder))?);
    }
    Ok(files)
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

fn unreadable(shown: &str, error: &io::Error) -> Failure {
    let failure = Failure::new(format!("{shown} cannot be read: {error}"));
    match error.kind() {
        io::ErrorKind::NotFound => failure.hint("-f PATH names the manifest; `billform init` writes a starter one"),
        _ => failure,
    }
}

/// The YAML files of a folder by name; none when there is no such folder.
fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::new(format!("{} cannot be read: {error}", folder.display()))),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
