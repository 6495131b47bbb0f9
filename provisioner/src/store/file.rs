//! The state in a local file, with an append-only journal beside it that is folded in at the end of an apply.
//!
//! The lock is the operating system's, on a file of its own: a killed holder leaves nothing to clear.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use async_trait::async_trait;
use engine::State;
use engine::state::{Entry, StateStore, StoreError};

use super::format;

/// What to do about a damaged state.
const BACKUP: &str = "Put a backup back, or move it away";

/// A state file: `state.json`, its journal `state.json.journal` and its lock `state.json.lock`; tenants' parts of it
/// likewise, in the folder `state.json.tenants`.
pub struct FileStore {
    path: PathBuf,
    /// Held while this process may write; the journal stays open, so that an entry costs one write and one sync.
    held: Option<Held>,
}

struct Held {
    /// Released when dropped, also by a kill: the lock, and for a part a share in the whole's.
    _locks: Vec<File>,
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
        let lock = taken(path, File::try_lock)?;
        FileStore::holding(path, lock, Vec::new(), holder)
    }

    /// A tenant's part of the state at `path` to write. Who has a part has a share in the state's lock, so that nobody
    /// gets the whole meanwhile.
    pub fn lock_part(path: &Path, tenant: &str, holder: &str) -> Result<FileStore, LockError> {
        let share = taken(path, File::try_lock_shared)?;
        let part = part(path, tenant);
        let lock = taken(&part, File::try_lock)?;
        FileStore::holding(&part, lock, vec![share], holder)
    }

    fn holding(path: &Path, mut lock: File, shares: Vec<File>, holder: &str) -> Result<FileStore, LockError> {
        let io_error = |source| LockError::Io { path: path.display().to_string(), source };
        lock.set_len(0).and_then(|()| lock.write_all(holder.as_bytes())).map_err(io_error)?;
        let journal = OpenOptions::new().create(true).append(true).read(true).open(beside(path, "journal"));
        let journal = journal.and_then(without_torn_line).map_err(io_error)?;
        let locks = shares.into_iter().chain([lock]).collect();
        Ok(FileStore { path: path.to_owned(), held: Some(Held { _locks: locks, journal: Mutex::new(journal) }) })
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

    /// Reads the state, then its journal; anew when a fold came in between, which would have emptied the journal of
    /// what the state that was read does not have yet.
    fn read(&self, stack: &str) -> Result<State, StoreError> {
        loop {
            let before = version(&self.path);
            let text = self.read_optional(&self.path)?;
            let entries = self.journal_entries();
            if version(&self.path) != before {
                continue;
            }
            let mut state = match text {
                Some(text) => format::parse(&text, &self.path.display().to_string(), stack, BACKUP)?,
                None => State::empty(stack),
            };
            entries?.into_iter().for_each(|entry| state.take(entry));
            return Ok(state);
        }
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

/// Opens the lock of a state and takes it, whole or shared.
fn taken(path: &Path, take: impl Fn(&File) -> Result<(), TryLockError>) -> Result<File, LockError> {
    let io_error = |source| LockError::Io { path: path.display().to_string(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io_error)?;
    }
    let lock_path = beside(path, "lock");
    let mut options = OpenOptions::new();
    let lock = options.create(true).truncate(false).read(true).write(true).open(&lock_path).map_err(io_error)?;
    match take(&lock) {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let holder = holder_of_a_part(path).unwrap_or_else(|| named(&lock_path));
            Err(LockError::Held { path: path.display().to_string(), holder })
        }
        Err(TryLockError::Error(source)) => Err(io_error(source)),
    }
}

/// Who has a tenant's part, and thereby keeps others from the whole.
fn holder_of_a_part(path: &Path) -> Option<String> {
    let tenants = part_locks(path).ok()?;
    tenants.iter().find_map(|tenant| FileStore::open(&part(path, tenant)).holder().ok().flatten())
}

/// Where a tenant's part of the state at `path` lies.
pub fn part(path: &Path, tenant: &str) -> PathBuf {
    beside(path, "tenants").join(tenant)
}

/// The tenants who have a part that holds something; ids have no dots, what lies beside a part does.
pub fn parts(path: &Path) -> Result<Vec<String>, StoreError> {
    Ok(names(path)?.into_iter().filter(|name| !name.contains('.')).collect())
}

/// The tenants whose part was ever locked.
pub fn part_locks(path: &Path) -> Result<Vec<String>, StoreError> {
    Ok(names(path)?.iter().filter_map(|name| name.strip_suffix(".lock")).map(str::to_owned).collect())
}

/// Removes a part that counts no more. Its lock stays: one that is deleted can be had twice.
pub fn discard_part(path: &Path, tenant: &str) {
    let part = part(path, tenant);
    // A journal without a part is emptied by whoever begins the next; what stays because of an error says nothing.
    if fs::remove_file(&part).is_ok() {
        let _ = fs::remove_file(beside(&part, "journal"));
    }
}

/// What lies in the folder of the parts, in the order of the names.
fn names(path: &Path) -> Result<Vec<String>, StoreError> {
    let folder = beside(path, "tenants");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&folder, "cannot be read", &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(&folder, "cannot be read", &error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

/// What changes when a file is replaced.
fn version(path: &Path) -> Option<(u64, u64, Option<SystemTime>)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.len(), metadata.modified().ok()))
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
            fields: json!({ "name": name }).into(),
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

    #[test]
    fn tenants_have_their_parts_side_by_side_and_the_whole_waits_for_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let holder = |locked: Result<FileStore, LockError>| match locked.err() {
            Some(LockError::Held { holder, .. }) => holder,
            other => panic!("not held: {other:?}"),
        };
        let acme = FileStore::lock_part(&path, "acme", "ana").expect("locked");
        let beta = FileStore::lock_part(&path, "beta", "ben").expect("locked beside");
        assert_eq!(holder(FileStore::lock_part(&path, "acme", "cem")), "ana");
        assert_eq!(holder(FileStore::lock(&path, "cem")), "ana", "the whole names who has a part");
        drop(acme);
        assert_eq!(holder(FileStore::lock(&path, "cem")), "ben");
        drop(beta);
        let whole = FileStore::lock(&path, "cem").expect("all gave back");
        assert_eq!(holder(FileStore::lock_part(&path, "acme", "ana")), "cem");
        drop(whole);
        FileStore::lock_part(&path, "acme", "ana").expect("free again");
        assert_eq!(part_locks(&path).expect("listed"), ["acme", "beta"]);
    }

    #[tokio::test]
    async fn a_part_is_kept_beside_the_state_and_discarded_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        assert_eq!(parts(&path).expect("listed"), Vec::<String>::new());
        for tenant in ["acme", "beta"] {
            let store = FileStore::lock_part(&path, tenant, "ana").expect("locked");
            store.fold(&State::empty("s")).await.expect("folded");
            store.append(&[exists("a")]).await.expect("appended");
        }
        assert_eq!(parts(&path).expect("listed"), ["acme", "beta"]);
        discard_part(&path, "acme");
        assert_eq!(parts(&path).expect("listed"), ["beta"]);
        let kept = FileStore::open(&part(&path, "beta")).load("s").await.expect("loads");
        assert_eq!(kept.records.len(), 1);
        assert_eq!(FileStore::open(&path).load("s").await.expect("loads").records.len(), 0);
    }

    /// A reader beside a run that folds all the time sees every entry once it was acknowledged.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_read_beside_folds_misses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        let store = FileStore::lock(&path, "test").expect("locked");
        store.append(&[exists("r")]).await.expect("appended");
        let reading = path.clone();
        let reader = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let looks = (0..2_000).map(|_| runtime.block_on(FileStore::open(&reading).load("s")).expect("loads"));
            looks.filter(|state| state.records.is_empty()).count()
        });
        let mut state = State::empty("s");
        state.take(exists("r"));
        while !reader.is_finished() {
            store.append(&[exists("r")]).await.expect("appended");
            store.fold(&state).await.expect("folded");
        }
        assert_eq!(reader.join().expect("ends"), 0, "looks that missed it");
    }
}
