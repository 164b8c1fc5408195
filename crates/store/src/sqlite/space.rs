//! Room on the disk: the watermark below which only changes that end something are taken, and the ballast
//! that is let go so that those still fit on a full disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// SQLite opens its shared memory through a mapped file; where the disk has no room for that, the
/// process is killed rather than told. So this much must be free before it is asked.
const TO_OPEN: u64 = 1 << 20;

pub(super) struct Space {
    data: PathBuf,
    ballast: PathBuf,
    ballast_bytes: u64,
    watermark_bytes: u64,
    held: Arc<AtomicBool>,
}

impl Space {
    pub(super) fn new(data: &Path, ballast_bytes: u64, watermark_bytes: u64) -> Self {
        let ballast = data.join("ballast");
        let held = fs::metadata(&ballast).is_ok_and(|file| file.len() > 0);
        let held = Arc::new(AtomicBool::new(held));
        Self { data: data.to_owned(), ballast, ballast_bytes, watermark_bytes, held }
    }

    /// Makes sure that the database can be opened without being killed for want of room.
    pub(super) fn make_room_to_open(&self) -> io::Result<()> {
        if free(&self.data).is_some_and(|free| free < TO_OPEN) {
            self.release()?;
        }
        Ok(())
    }

    pub(super) fn is_low(&self) -> bool {
        free(&self.data).is_some_and(|free| free < self.watermark_bytes)
    }

    pub(super) fn held(&self) -> Arc<AtomicBool> {
        self.held.clone()
    }

    /// Lets go of the ballast. Synced, because some file systems give blocks back only then.
    pub(super) fn release(&self) -> io::Result<()> {
        if !self.held.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).open(&self.ballast)?;
        file.set_len(0)?;
        file.sync_all()?;
        tracing::warn!("the disk is full; let go of {} bytes kept aside for this", self.ballast_bytes);
        Ok(())
    }

    /// Keeps the ballast again, once there is room for it twice over and above the watermark.
    pub(super) fn keep(&self) {
        let wanted = self.watermark_bytes.saturating_add(self.ballast_bytes.saturating_mul(2));
        let room = free(&self.data).is_some_and(|free| free >= wanted);
        if self.ballast_bytes == 0 || self.held.load(Ordering::SeqCst) || !room {
            return;
        }
        match fill(&self.ballast, self.ballast_bytes) {
            Ok(()) => self.held.store(true, Ordering::SeqCst),
            Err(cause) => tracing::warn!(%cause, "could not keep disk space aside"),
        }
    }
}

/// Bytes that this process could still write in that directory.
pub(super) fn free(data: &Path) -> Option<u64> {
    let at = statvfs(data).ok()?;
    Some(at.f_bavail.saturating_mul(at.f_frsize))
}

fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    if fallocate(&file, FallocateFlags::empty(), 0, bytes).is_err() {
        // Not every file system can set blocks aside unwritten.
        write_out(&mut file, bytes)?;
    }
    file.sync_all()
}

fn write_out(file: &mut File, bytes: u64) -> io::Result<()> {
    let block = [0x5a; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len() as u64);
        file.write_all(&block[..part as usize])?;
        left -= part;
    }
    Ok(())
}
