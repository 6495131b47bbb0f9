//! The state in a local file, with an append-only journal beside it that is folded in at the end of an apply.
//!
//! The lock is the operating system's, on a file of its own: a killed holder leaves nothing to clear.

mod parts;

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
pub use parts::{discard, kept, locks, place};

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
    locks: Vec<File>,
    journal: Mutex<File>,
}

impl Drop for Held {
    /// Closing alone would not do at once: a process that is being started has the file open, too, until its program
    /// takes over.
    fn drop(&mut self) {
        for lock in &self.locks {
            let _ = lock.unlock();
        }
    }
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

impl LockError {
    /// The same, said of this state.
    fn of(self, state: &Path) -> LockError {
        let path = state.display().to_string();
        match self {
            LockError::Held { holder, .. } => LockError::Held { path, holder },
            LockError::Io { source, .. } => LockError::Io { path, source },
        }
    }
}

impl FileStore {
    /// The state to read only: planning takes no lock.
    pub fn open(path: &Path) -> FileStore {
        FileStore { path: path.to_owned(), held: None }
    }

    /// The right to be next: who waits for the whole has it, so that runs for tenants, which can share the state's lock,
    /// do not come in before it for ever.
    pub fn turn(path: &Path, holder: &str) -> Result<File, LockError> {
        let mut turn = taken(&beside(path, "next"), File::try_lock).map_err(|error| error.of(path))?;
        let io_error = |source| LockError::Io { path: path.display().to_string(), source };
        turn.set_len(0).and_then(|()| turn.write_all(holder.as_bytes())).map_err(io_error)?;
        Ok(turn)
    }

    /// The state to write, locked until the store is dropped. `holder` is who will be named to others.
    pub fn lock(path: &Path, holder: &str) -> Result<FileStore, LockError> {
        let lock = taken(path, File::try_lock)?;
        FileStore::holding(path, lock, Vec::new(), holder)
    }

    /// A tenant's part of the state at `path` to write. Who has a part has a share in the state's lock, so that nobody
    /// gets the whole meanwhile.
    pub fn lock_part(path: &Path, tenant: &str, holder: &str) -> Result<FileStore, LockError> {
        let turn = taken(&beside(path, "next"), File::try_lock_shared).map_err(|error| error.of(path))?;
        let share = taken(path, File::try_lock_shared)?;
        let _ = turn.unlock();
        let part = parts::place(path, tenant);
        let lock = taken(&part, File::try_lock)?;
        FileStore::holding(&part, lock, vec![share], holder)
    }

    fn holding(path: &Path, mut lock: File, shares: Vec<File>, holder: &str) -> Result<FileStore, LockError> {
        let io_error = |source| LockError::Io { path: path.display().to_string(), source };
        lock.set_len(0).and_then(|()| lock.write_all(holder.as_bytes())).map_err(io_error)?;
        let journal = OpenOptions::new().create(true).append(true).read(true).open(beside(path, "journal"));
        let journal = journal.and_then(without_torn_line).map_err(io_error)?;
        let locks = shares.into_iter().chain([lock]).collect();
        Ok(FileStore { path: path.to_owned(), held: Some(Held { locks, journal: Mutex::new(journal) }) })
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
            Ok(()) => {
                let _ = lock.unlock();
                Ok(None)
            }
            Err(TryLockError::WouldBlock) => Ok(Some(named(&lock_path))),
            Err(TryLockError::Error(source)) => Err(io_error(source)),
        }
    }

    /// Puts a state in place of whatever lies here. The journal goes first: it is of something else, and would be taken
    /// in over this one.
    pub fn begin(&self, state: &State) -> Result<(), StoreError> {
        self.empty_journal()?;
        self.replace(state)
    }

    fn replace(&self, state: &State) -> Result<(), StoreError> {
        self.held()?;
        let text =
            serde_json::to_vec_pretty(state).map_err(|error| failed(&self.path, "cannot be encoded", &error.into()))?;
        replace(&self.path, &text).map_err(|error| failed(&self.path, "cannot be written", &error))
    }

    fn empty_journal(&self) -> Result<(), StoreError> {
        let journal = self.held()?.journal.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        journal.set_len(0).map_err(|error| failed(&beside(&self.path, "journal"), "cannot be emptied", &error))
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
        self.replace(state)?;
        // A crash before this leaves a journal that is folded in once more, to the same effect.
        self.empty_journal()
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
            let holder = parts::holder(path).unwrap_or_else(|| match lock.try_lock_shared() {
                // It is shared, and whoever shares it has not put their name down yet.
                Ok(()) => "a run for one tenant".to_owned(),
                Err(_) => named(&lock_path),
            });
            Err(LockError::Held { path: path.display().to_string(), holder })
        }
        Err(TryLockError::Error(source)) => Err(io_error(source)),
    }
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

/// Writes a file whole or not at all, by way of a hidden one beside it. What lies under that name is taken away first, and
/// never written through: it may be a link to a file of others.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let new = path.with_file_name(format!(".{name}.billform-new"));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
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
mod tests;
