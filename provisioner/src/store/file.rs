//! The state in a local file, with an append-only journal beside it that is folded in at the end of an apply.
//!
//! The lock is the operating system's, on a file of its own: a killed holder leaves nothing to clear.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use async_trait::async_trait;
use engine::State;
use engine::state::{Entry, StateStore, StoreError};

use super::format;

/// What to do about a damaged state.
const BACKUP: &str = "Put a backup back, or move it away";

/// A state file: `state.json`, its journal `state.json.journal` and its lock `state.json.lock`.
pub struct FileStore {
    path: PathBuf,
    /// Held while this process may write; the journal stays open, so that an entry costs one write and one sync.
    held: Option<Held>,
}

struct Held {
    /// Released when dropped, also by a kill.
    _lock: File,
    journal: Mutex<File>,
}

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("the state {path} is in use by {holder}; wait for it to end, then try again")]
    Held {
        /// The state file.
        path: String,
        /// Who wrote their name into the lock.
        holder: String,
    },
    /// The file system does not let us.
    #[error("the state {path} cannot be locked: {source}; billform needs to write in its folder")]
    Io {
        /// The state file.
        path: String,
        /// The cause.
        source: io::Error,
    },
}

impl FileStore {
    /// The state to read only: planning takes no lock.
    pub fn open(path: &Path) -> FileStore {
        FileStore { path: path.to_owned(), held: None }
    }

    /// The state to write, locked until the store is dropped. `holder` is who will be named to others.
    pub fn lock(path: &Path, holder: &str) -> Result<FileStore, LockError> {
        let io_error = |source| LockError::Io { path: path.display().to_string(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io_error)?;
        }
        let lock_path = beside(path, "lock");
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&lock_path)
            .map_err(io_error)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { path: path.display().to_string(), holder: named(&lock_path) });
            }
            Err(TryLockError::Error(source)) => return Err(io_error(source)),
        }
        lock.set_len(0).and_then(|()| lock.write_all(holder.as_bytes())).map_err(io_error)?;
        let journal = OpenOptions::new().create(true).append(true).read(true).open(beside(path, "journal"));
        let journal = journal.and_then(without_torn_line).map_err(io_error)?;
        Ok(FileStore { path: path.to_owned(), held: Some(Held { _lock: lock, journal: Mutex::new(journal) }) })
    }

    /// Who holds the lock, if anybody does. Nothing is made or changed.
    pub fn holder(&self) -> Result<Option<String>, LockError> {
        let lock_path = beside(&self.path, "lock");
        let io_error = |source| LockError::Io { path: self.path.display().to_string(), source };
        let lock = match File::open(&lock_path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(error)),
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(named(&lock_path))),
            Err(TryLockError::Error(source)) => Err(io_error(source)),
        }
    }

    /// The state file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, stack: &str) -> Result<State, StoreError> {
        let mut state = match self.read_optional(&self.path)? {
            Some(text) => format::parse(&text, &self.path.display().to_string(), stack, BACKUP)?,
            None => State::empty(stack),
        };
        for entry in self.journal_entries()? {
            state.take(entry);
        }
        Ok(state)
    }

    fn read_optional(&self, path: &Path) -> Result<Option<String>, StoreError> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(path, "cannot be read", &error)),
        }
    }

    /// The journal's entries. A last line without its end was never acknowledged, so it is left out.
    fn journal_entries(&self) -> Result<Vec<Entry>, StoreError> {
        let path = beside(&self.path, "journal");
        let Some(text) = self.read_optional(&path)? else { return Ok(Vec::new()) };
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        let parse = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|cause| StoreError {
                message: format!(
                    "line {} of the journal {} is damaged: {cause}. Move the journal away: what it held is found \
                     again by name and tags",
                    number + 1,
                    path.display()
                ),
            })
        };
        complete.lines().enumerate().map(parse).collect()
    }

    fn held(&self) -> Result<&Held, StoreError> {
        self.held.as_ref().ok_or_else(|| StoreError {
            message: format!("the state {} was opened to be read only", self.path.display()),
        })
    }
}

#[async_trait]
impl StateStore for FileStore {
    async fn load(&self, stack: &str) -> Result<State, StoreError> {
        self.read(stack)
    }

    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let held = self.held()?;
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)
                .map_err(|error| failed(&self.path, "cannot be encoded", &error.into()))?;
            lines.push(b'\n');
        }
        let mut journal = held.journal.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let written = journal.write_all(&lines).and_then(|()| journal.sync_data());
        written.map_err(|error| failed(&beside(&self.path, "journal"), "cannot be written", &error))
    }

    async fn fold(&self, state: &State) -> Result<(), StoreError> {
        let held = self.held()?;
        let text =
            serde_json::to_vec_pretty(state).map_err(|error| failed(&self.path, "cannot be encoded", &error.into()))?;
        replace(&self.path, &text).map_err(|error| failed(&self.path, "cannot be written", &error))?;
        let journal = held.journal.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // A crash before this leaves a journal that is folded in once more, to the same effect.
        journal.set_len(0).map_err(|error| failed(&beside(&self.path, "journal"), "cannot be emptied", &error))
    }
}

/// Who wrote their name into the lock.
fn named(lock_path: &Path) -> String {
    let holder = fs::read_to_string(lock_path).unwrap_or_default();
    if holder.is_empty() { "another billform".to_owned() } else { holder }
}

/// Cuts off a last line that a crash left without its end: what is appended next must not run on from it.
fn without_torn_line(mut journal: File) -> io::Result<File> {
    let mut text = Vec::new();
    journal.read_to_end(&mut text)?;
    let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if complete < text.len() {
        journal.set_len(complete as u64)?;
    }
    Ok(journal)
}

/// Writes a file whole or not at all.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, "new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        // The rename itself must survive a crash, too.
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// `state.json` -> `state.json.journal`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn failed(path: &Path, what: &str, error: &io::Error) -> StoreError {
    StoreError { message: format!("the state {} {what}: {error}", path.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::{Address, Record};
    use serde_json::json;
    use std::collections::{BTreeMap, BTreeSet};

    fn record(name: &str) -> Record {
        Record {
            address: Address::new("iam_role", name),
            id: name.to_owned(),
            tenant: None,
            fields: json!({ "name": name }),
            outputs: BTreeMap::new(),
            depends_on: BTreeSet::new(),
            pending: None,
        }
    }

    fn exists(name: &str) -> Entry {
        Entry::Exists(Box::new(record(name)))
    }

    #[tokio::test]
    async fn what_was_appended_survives_without_a_fold() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/state.json");
        let store = FileStore::lock(&path, "test").expect("locked");
        store
            .append(&[exists("a"), exists("b"), Entry::Removed(Address::new("iam_role", "a"))])
            .await
            .expect("appended");
        drop(store);
        let state = FileStore::open(&path).load("s").await.expect("loads");
        assert_eq!(state.records.keys().map(Address::name).collect::<Vec<_>>(), ["b"]);
    }

    #[tokio::test]
    async fn a_fold_empties_the_journal_and_keeps_the_records() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let store = FileStore::lock(&path, "test").expect("locked");
        store.append(&[exists("a")]).await.expect("appended");
        let state = store.load("s").await.expect("loads");
        store.fold(&state).await.expect("folded");
        assert_eq!(fs::read(beside(&path, "journal")).expect("there"), b"");
        assert_eq!(FileStore::open(&path).load("s").await.expect("loads"), state);
        store.append(&[exists("b")]).await.expect("appended after the fold");
        assert_eq!(store.load("s").await.expect("loads").records.len(), 2);
    }

    #[tokio::test]
    async fn a_torn_last_line_was_never_acknowledged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let store = FileStore::lock(&path, "test").expect("locked");
        store.append(&[exists("a")]).await.expect("appended");
        drop(store);
        let journal = beside(&path, "journal");
        let mut text = fs::read_to_string(&journal).expect("there");
        text.push_str("{\"exists\":{\"addr");
        fs::write(&journal, text).expect("torn");
        assert_eq!(FileStore::open(&path).load("s").await.expect("loads").records.len(), 1);
        let store = FileStore::lock(&path, "test").expect("locked again");
        store.append(&[exists("b")]).await.expect("appended after the torn line");
        assert_eq!(store.load("s").await.expect("loads").records.len(), 2);
    }

    #[tokio::test]
    async fn damage_newer_versions_and_other_stacks_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        for (text, said) in [
            ("{", "is damaged"),
            (r#"{"version":99}"#, "use a newer billform"),
            (r#"{"version":1,"stack":"other","serial":1,"records":{}}"#, "is of stack `other`"),
        ] {
            fs::write(&path, text).expect("written");
            let error = FileStore::open(&path).load("s").await.expect_err(said);
            assert!(error.message.contains(said), "{}", error.message);
        }
    }

    #[test]
    fn a_second_writer_learns_who_holds_the_lock_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let first = FileStore::lock(&path, "ana@desk, pid 7").expect("locked");
        let error = FileStore::lock(&path, "ben").err().expect("refused");
        assert!(error.to_string().contains("ana@desk, pid 7"), "{error}");
        let looking = FileStore::open(&path);
        assert_eq!(looking.holder().expect("looked").as_deref(), Some("ana@desk, pid 7"));
        drop(first);
        assert_eq!(looking.holder().expect("looked"), None);
        FileStore::lock(&path, "ben").expect("free again");
    }
}
