//! Hears of changes by inotify; where that is not to be had, the caller's regular look must do.
//!
//! Events are drained directly from the kernel's queue: after a read, an empty queue proves that
//! nothing was changed before the read ended. A thread that forwards events could not prove it.
use super::find::Interest;
use crate::clock::Clock;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{CStr, OsStr},
    mem::MaybeUninit,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
    time::Duration,
};

/// What has changed since it was last read.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// By path without symbolic links.
    paths: BTreeSet<PathBuf>,
    writing: BTreeSet<PathBuf>,
    everything: bool,
}

impl Touched {
    /// Whether the file at `path` must be read although it looks unchanged.
    pub(super) fn includes(&self, path: &Path) -> bool {
        self.everything || self.paths.contains(path)
    }

    /// Whether somebody has begun to write to a file and not closed it.
    pub(super) fn has_writers(&self) -> bool {
        !self.writing.is_empty()
    }

    /// Forgets what was read. Who writes stays.
    pub(super) fn clear(&mut self) {
        self.paths.clear();
        self.everything = false;
    }

    /// Forgets who writes, after waiting long enough.
    pub(super) fn forget_writers(&mut self) {
        self.writing.clear();
    }

    fn absorb(&mut self, event: Event) {
        match event {
            Event::Writing(path) => {
                self.writing.insert(path.clone());
                self.paths.insert(path);
            }
            Event::Changed(path) => {
                self.writing.remove(&path);
                self.paths.insert(path);
            }
            Event::Lost => {
                self.writing.clear();
                self.everything = true;
            }
        }
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// Something that matters changed.
    Changed,
    /// Nothing did.
    Quiet,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    /// A file is being written; there may be more to come until it is closed.
    Writing(PathBuf),
    /// A writer closed the file, or it was made, moved or removed as a whole.
    Changed(PathBuf),
    /// Events were lost.
    Lost,
}

/// Watches folders.
pub(super) struct Watch {
    clock: Clock,
    queue: Option<OwnedFd>,
    folders: BTreeMap<PathBuf, Folder>,
}

struct Folder {
    descriptor: i32,
    /// Device and inode: another folder may take its name.
    identity: (u64, u64),
}

impl Watch {
    /// Starts to watch nothing yet.
    pub(super) fn new() -> Self {
        let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .inspect_err(|error| warn_polling(&error.to_string()))
            .ok();
        Self { clock: Clock::start(), queue, folders: BTreeMap::new() }
    }

    /// Whether changes are told at once.
    pub(super) fn is_live(&self) -> bool {
        self.queue.is_some()
    }

    /// Watches the folders of an interest and no others. True: a new one came in, and what is in it
    /// must be read again, as it may have changed before it was watched.
    pub(super) fn follow(&mut self, interest: &Interest) -> bool {
        let Some(queue) = &self.queue else { return false };
        self.folders.retain(|path, folder| {
            let stays = interest.folders.contains(path) && identity(path) == Some(folder.identity);
            if !stays {
                // It fails when the folder is gone, and then the watch is gone, too.
                let _ = inotify::remove_watch(queue, folder.descriptor);
            }
            stays
        });
        let mut is_new = false;
        for path in &interest.folders {
            if self.folders.contains_key(path) {
                continue;
            }
            let Some(identity) = identity(path) else { continue };
            match inotify::add_watch(queue, path, FLAGS) {
                Ok(descriptor) => {
                    self.folders.insert(path.clone(), Folder { descriptor, identity });
                    is_new = true;
                }
                Err(Errno::NOENT) => {}
                Err(error) => {
                    warn_polling(&format!("{}: {error}", path.display()));
                    self.queue = None;
                    self.folders.clear();
                    return false;
                }
            }
        }
        is_new
    }

    /// Waits for a change that matters, but at most for `time`.
    pub(super) fn wait(&self, time: Duration, interest: &Interest, touched: &mut Touched) -> Woken {
        let until = self.clock.now() + time;
        loop {
            if self.drain(interest, touched) == Woken::Changed {
                return Woken::Changed;
            }
            let now = self.clock.now();
            if now >= until {
                return Woken::Quiet;
            }
            self.sleep(until.since(now));
        }
    }

    /// Sleeps until there is an event, but at most for `time`.
    fn sleep(&self, time: Duration) {
        let nanos = i64::from(time.subsec_nanos());
        let time =
            Timespec { tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: nanos };
        let mut descriptors: Vec<PollFd<'_>> =
            self.queue.iter().map(|queue| PollFd::new(queue, PollFlags::IN)).collect();
        // Interrupted by a signal: the caller looks at the clock.
        let _ = poll(&mut descriptors, Some(&time));
    }

    /// Takes everything out of the queue.
    fn drain(&self, interest: &Interest, touched: &mut Touched) -> Woken {
        let Some(queue) = &self.queue else { return Woken::Quiet };
        let paths: BTreeMap<i32, &PathBuf> =
            self.folders.iter().map(|(path, folder)| (folder.descriptor, path)).collect();
        let mut woken = Woken::Quiet;
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = inotify::Reader::new(queue, &mut buffer);
        // It ends with "would block": nothing left.
        while let Ok(event) = reader.next() {
            let folder = paths.get(&event.wd()).copied();
            let Some(event) = translate(event.events(), folder, event.file_name()) else {
                continue;
            };
            if matters(&event, interest) {
                touched.absorb(event);
                woken = Woken::Changed;
            }
        }
        woken
    }
}

const FLAGS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

fn translate(flags: ReadFlags, folder: Option<&PathBuf>, name: Option<&CStr>) -> Option<Event> {
    if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
        return Some(Event::Lost);
    }
    // A folder that is no longer watched.
    let folder = folder?;
    let path = match name {
        Some(name) => folder.join(OsStr::from_bytes(name.to_bytes())),
        None => folder.clone(),
    };
    if flags.contains(ReadFlags::MODIFY) {
        return Some(Event::Writing(path));
    }
    // A new file is about to be written. Links and folders are not, nor is a second name of a file.
    let is_new_file = flags.contains(ReadFlags::CREATE)
        && path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.nlink() == 1);
    Some(if is_new_file { Event::Writing(path) } else { Event::Changed(path) })
}

fn matters(event: &Event, interest: &Interest) -> bool {
    match event {
        Event::Writing(path) | Event::Changed(path) => interest.includes(path),
        Event::Lost => true,
    }
}

fn warn_polling(reason: &str) {
    tracing::warn!(
        providerName = "file",
        "cannot watch for changes ({reason}); looking every second instead"
    );
}

fn identity(folder: &Path) -> Option<(u64, u64)> {
    let metadata = folder.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}
