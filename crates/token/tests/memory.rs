//! What the allocator sees: parsing asks it for nothing, and a token it gets back is zeros.

// An allocator is unsafe by its trait; this one only counts and looks, then asks the system's.
#![allow(unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::Seeded;
use token::{Brand, Kind, Parser, TokenText};

/// Size of the block of a whole token.
const BLOCK: usize = 55;
const TEXT: usize = 53;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Of the last block of a token's size that was given back: how many bytes were not zero.
    static LEFT_BEHIND: Cell<Option<usize>> = const { Cell::new(None) };
}

struct Watching;

unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() == BLOCK {
            // SAFETY: the block is still ours; the tests below write its first 53 bytes.
            let left = (0..TEXT).filter(|&at| unsafe { block.add(at).read_volatile() } != 0).count();
            LEFT_BEHIND.with(|seen| seen.set(Some(left)));
        }
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

#[test]
fn parsing_allocates_nothing() {
    let parser = Parser::new([Brand::default(), "acme".parse().unwrap()], true);
    let token = TokenText::issue(Brand::default(), Kind::Pat, &Seeded::new(1));
    let texts = [token.expose(), &token.expose()[..52], "jtn_pat_", "an older system's token", "", "ñ"];
    let before = ALLOCATIONS.get();
    let good = texts.map(|text| parser.parse(text.as_bytes()).is_ok());
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert_eq!(good, [true, false, false, true, false, false]);
    assert!(before > 0, "the allocator is watched");
}

#[test]
fn a_dropped_token_leaves_zeros() {
    let token = TokenText::issue(Brand::default(), Kind::Pat, &Seeded::new(1));
    assert_eq!(token.expose().len(), TEXT);
    LEFT_BEHIND.set(None);
    drop(token);
    assert_eq!(LEFT_BEHIND.get(), Some(0));

    // The watch itself works: a plain string of the same size leaves its letters.
    let mut plain = String::with_capacity(BLOCK);
    plain.push_str(&"x".repeat(TEXT));
    drop(plain);
    assert_eq!(LEFT_BEHIND.get(), Some(TEXT));
}
