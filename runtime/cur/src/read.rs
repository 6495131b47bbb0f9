//! Reads the files of a report on several threads and adds them up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::ask::Ask;
use crate::batch::{Batch, RowFault};
use crate::csv;
use crate::file::{Head, Ready};
use crate::layout::{Field, FieldAt, Layout};
use crate::names::Names;
use crate::parquet::GroupReader;
use crate::problem::{Fault, Place, Problem};
use crate::query::{Dimension, Query};
use crate::report::{Group, MonthState, Report};
use crate::source::{Ranges, Source};
use crate::worker::{Merged, Worker};

/// How to read.
pub struct Reading<'a> {
    /// How many threads read; at least one.
    pub threads: usize,
    /// Called with the bytes that were read since the last call, from any thread.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Reading { threads: 1, progress: &|_| {} }
    }
}

/// A share of the work: a file, and for Parquet one of its row groups.
struct Task {
    file: usize,
    group: usize,
}

/// The tasks of a report, shared among threads.
struct Tasks<'a> {
    tasks: &'a [Task],
    next: AtomicUsize,
    failure: Mutex<Option<(usize, Problem)>>,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Tasks<'_> {
    /// Reads tasks until there are none; false once one has failed here.
    fn each(&self, mut read: impl FnMut(&Task) -> Result<u64, Problem>) -> bool {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = self.tasks.get(number) else { return true };
            match read(task) {
                Ok(bytes) => (self.progress)(bytes),
                Err(problem) => {
                    // Tasks are begun in order, so that all before this one end: the first of the failures is named.
                    self.next.store(self.tasks.len(), Ordering::Relaxed);
                    let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    if failure.as_ref().is_none_or(|(first, _)| number < *first) {
                        *failure = Some((number, problem));
                    }
                    return false;
                }
            }
        }
    }
}

/// Runs `thread` on as many threads as are asked for.
fn share(tasks: &[Task], reading: &Reading<'_>, thread: impl Fn(&Tasks<'_>) + Sync) -> Result<(), Problem> {
    let shared = Tasks { tasks, next: AtomicUsize::new(0), failure: Mutex::new(None), progress: reading.progress };
    match reading.threads.min(tasks.len()) {
        0 | 1 => thread(&shared),
        threads => std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(|| thread(&shared))))),
    }
    let failure = shared.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), |(_, problem)| Err(problem))
}

/// Answers a question about a report of these files, which must be parts of one report.
pub fn report(sources: &[&dyn Source], query: &Query, reading: &Reading<'_>) -> Result<Report, Problem> {
    let (ask, files) = prepare(sources, query)?;
    let merged = Mutex::new(Merged::default());
    share(&tasks(&files), reading, |tasks| {
        let mut names = vec![Names::default(); ask.fields.len()];
        let mut worker = Worker::new(&ask, query);
        let batch = Batch::new(ask.fields.len(), ask.costs.columns.len());
        let mut readers = Readers { batch, groups: GroupReader::default() };
        let is_whole = tasks
            .each(|task| readers.read((sources[task.file], &files[task.file]), task, &ask, &mut names, &mut worker));
        if is_whole {
            worker.merge(&names, &mut merged.lock().unwrap_or_else(PoisonError::into_inner));
        }
    })?;
    finish(sources, query, &ask, &files, merged.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Reads, decompresses and decodes the columns that a question needs, of Parquet files, and adds nothing up: the floor that
/// the benchmark prints. Returns how many values there were.
pub fn decode(sources: &[&dyn Source], query: &Query, reading: &Reading<'_>) -> Result<u64, Problem> {
    let (_, files) = prepare(sources, query)?;
    let values = AtomicU64::new(0);
    share(&tasks(&files), reading, |tasks| {
        let mut reader = GroupReader::default();
        tasks.each(|task| {
            let (source, Ready::Parquet(plan)) = (sources[task.file], &files[task.file]) else { return Ok(0) };
            let (group, place) = (&plan.groups[task.group], Place::RowGroup(task.group + 1));
            let mut handle = open(source, place)?;
            let read = reader.decode(group, &mut *handle, source.request_bytes());
            values.fetch_add(read.map_err(|fault| fault.at(source.name(), place))?, Ordering::Relaxed);
            Ok(group.bytes)
        });
    })?;
    Ok(values.into_inner())
}

fn open(source: &dyn Source, place: Place) -> Result<Box<dyn Ranges + '_>, Problem> {
    source.open().map_err(|error| Fault::new(format!("the file cannot be opened: {error}")).at(source.name(), place))
}

/// Reads the heads of all files and finds what the question takes.
fn prepare(sources: &[&dyn Source], query: &Query) -> Result<(Ask, Vec<Ready>), Problem> {
    let Some(first) = sources.first() else {
        return Err(Fault::new("there are no files to read").at("report", Place::File));
    };
    let mut head = Some(Head::read(*first)?);
    let layout = head.as_ref().map_or(Layout::Legacy, |head| head.layout);
    let ask = Ask::new(query, layout);
    let (mut files, mut has_tag) = (Vec::new(), vec![false; ask.fields.len()]);
    let mut tags = Vec::new();
    for source in sources {
        let head = match head.take() {
            Some(head) => head,
            None => Head::read(*source)?,
        };
        if !layout.goes_with(head.layout) {
            let cause = format!("it is a {} and {} a {layout}", head.layout, first.name());
            let fault = Fault::new(cause).remedy("two exports of one account count its cost twice: read one of them");
            return Err(fault.at(source.name(), Place::File));
        }
        tags.extend(Layout::tag_columns(&head.columns));
        let (ready, resolved) = head.ready(*source, &ask)?;
        has_tag.iter_mut().zip(&resolved.fields).for_each(|(has, at)| *has |= *at != FieldAt::Absent);
        files.push(ready);
    }
    if let Some((_, field)) = ask.tags().find(|(field, _)| !has_tag[*field]) {
        tags.sort();
        tags.dedup();
        let what = match field {
            Field::Category(name) => format!("cost category `{name}`"),
            Field::Tag(key) => format!("tag `{key}`"),
            _ => String::new(),
        };
        let there =
            if tags.is_empty() { "there are none".to_owned() } else { format!("there are {}", tags.join(", ")) };
        let fault = Fault::new(format!("no file has a column for {what}; of tags {there}"));
        return Err(fault
            .remedy("choose another with --tenant-tag or --by tag:KEY, or activate it as a cost allocation tag")
            .at(first.name(), Place::File));
    }
    Ok((ask, files))
}

fn tasks(files: &[Ready]) -> Vec<Task> {
    let of = |(file, ready): (usize, &Ready)| {
        let groups = match ready {
            Ready::Parquet(plan) => plan.groups.len(),
            Ready::Csv { .. } => 1,
        };
        (0..groups).map(move |group| Task { file, group }).collect::<Vec<_>>()
    };
    files.iter().enumerate().flat_map(of).collect()
}

/// One thread's buffers.
struct Readers {
    batch: Batch,
    groups: GroupReader,
}

impl Readers {
    /// Reads a share; returns the bytes of the file that it took.
    fn read(
        &mut self,
        (source, file): (&dyn Source, &Ready),
        task: &Task,
        ask: &Ask,
        names: &mut Vec<Names>,
        worker: &mut Worker<'_>,
    ) -> Result<u64, Problem> {
        match file {
            Ready::Parquet(plan) => {
                let (group, place) = (&plan.groups[task.group], Place::RowGroup(task.group + 1));
                let mut handle = open(source, place)?;
                let each =
                    &mut |batch: &mut Batch, names: &mut Vec<Names>| worker.add(batch, names, (task.file, place));
                let from: (&mut dyn Ranges, usize) = (&mut *handle, source.request_bytes());
                let done = self.groups.read((plan, group), from, names, &mut self.batch, each);
                done.map_err(|RowFault { fault, .. }| fault.at(source.name(), place))?;
                Ok(group.bytes)
            }
            Ready::Csv { packing, columns, resolved } => {
                let each =
                    &mut |batch: &mut Batch, names: &mut Vec<Names>| worker.add(batch, names, (task.file, Place::File));
                let done = csv::read(source, (*packing, columns, resolved, &ask.fields), names, &mut self.batch, each);
                done.map_err(|(place, fault)| fault.at(source.name(), place))?;
                Ok(source.length())
            }
        }
    }
}

/// Puts the sums together and checks that the groups add up to the rows.
fn finish(
    sources: &[&dyn Source],
    query: &Query,
    ask: &Ask,
    files: &[Ready],
    merged: Merged,
) -> Result<Report, Problem> {
    let mut currencies: Vec<_> =
        merged.currencies.into_iter().map(|(name, (file, number, place))| (file, number, place, name)).collect();
    currencies.sort_by(|one, two| (one.0, one.1, &one.3).cmp(&(two.0, two.1, &two.3)));
    let is_apart = query.by.contains(&Dimension::Currency);
    if let ([first, second, ..], false) = (&currencies[..], is_apart) {
        let fault = Fault::new(format!(
            "amounts are in {} here and in {} before, in {}",
            second.3,
            first.3,
            sources[first.0].name()
        ));
        let fault = fault.remedy("group by currency as well").of_column(ask.layout.currency());
        return Err(fault.at(sources[second.0].name(), second.2));
    }
    let has_invoices = files.iter().any(|file| file.has(ask.invoice));
    let mut months = Vec::<MonthState>::new();
    for ((month, is_invoiced), sums) in &merged.months {
        if months.last().is_none_or(|last| *last.month != **month) {
            months.push(MonthState {
                month: month.to_string(),
                all: Default::default(),
                open: has_invoices.then(Default::default),
            });
        }
        let Some(state) = months.last_mut() else { continue };
        state.all.add(sums);
        if let Some(open) = state.open.as_mut().filter(|_| !is_invoiced) {
            open.add(sums);
        }
    }
    let report = Report {
        layout: ask.layout,
        currency: currencies.first().filter(|_| currencies.len() == 1).map(|(.., name)| name.to_string()),
        basis: query.basis,
        columns: ask.costs.columns.iter().map(|name| (*name).to_owned()).collect(),
        by: query.by.clone(),
        groups: merged.groups.into_iter().map(|(values, sums)| Group { values, sums }).collect(),
        total: merged.total,
        outside: merged.outside,
        months,
    };
    if report.is_conserved() {
        return Ok(report);
    }
    Err(Fault::new("the groups do not add up to the rows, which is a fault of billform's")
        .at(sources[0].name(), Place::File))
}
