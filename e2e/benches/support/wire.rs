//! Connections that stay open, and a loop over them that costs little: what is measured is the
//! server, so the client formats bytes, counts the answer's, and waits in the kernel.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;

/// Callers that speak HTTP/1.1, each one request at a time.
pub(crate) struct Wire {
    lines: Vec<Line>,
    ready: OwnedFd,
}

struct Line {
    stream: TcpStream,
    answer: Vec<u8>,
}

/// An answer, whole.
pub(crate) struct Heard<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
}

impl Heard<'_> {
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}", self.head, String::from_utf8_lossy(self.body))
    }
}

impl Wire {
    pub(crate) fn open(url: &str, callers: usize) -> Wire {
        let address = url.strip_prefix("http://").expect("a server names a plain URL");
        let ready = epoll::create(epoll::CreateFlags::CLOEXEC).expect("the kernel has epoll");
        let open = |number| {
            let stream = TcpStream::connect(address).expect("the server takes connections");
            stream.set_nodelay(true).expect("a TCP socket");
            let data = epoll::EventData::new_u64(number);
            epoll::add(&ready, &stream, data, epoll::EventFlags::IN).expect("a fresh socket");
            Line { stream, answer: Vec::with_capacity(4096) }
        };
        let lines = (0..callers as u64).map(open).collect();
        Wire { lines, ready }
    }

    /// One request and its answer, by the first caller; `request` is written to an empty buffer.
    pub(crate) fn ask(&mut self, request: impl Fn(&mut Vec<u8>)) -> (u16, Vec<u8>) {
        let line = &mut self.lines[0];
        let mut bytes = Vec::with_capacity(1024);
        request(&mut bytes);
        line.stream.write_all(&bytes).expect("the server keeps the connection");
        while !line.read() {}
        let heard = line.heard();
        let answer = (heard.status, heard.body.to_vec());
        line.answer.clear();
        answer
    }

    /// Keeps every caller asking until `ask` writes nothing more, and waits for the last answer.
    ///
    /// `ask` is given the request's number, from 0, the time so far, and an empty buffer; it
    /// returns whether it wrote a request. Returns the number of answers and the whole time.
    pub(crate) fn drive(
        &mut self,
        mut ask: impl FnMut(usize, Duration, &mut Vec<u8>) -> bool,
        mut hear: impl FnMut(Heard<'_>),
    ) -> (usize, Duration) {
        let began = Instant::now();
        let mut request = Vec::with_capacity(1024);
        let mut asked = 0;
        let mut heard = 0;
        let mut send = |line: &mut Line| {
            request.clear();
            if ask(asked, began.elapsed(), &mut request) {
                line.stream.write_all(&request).expect("the server keeps the connection");
                asked += 1;
                return true;
            }
            false
        };
        let mut waiting = self.lines.iter_mut().map(&mut send).filter(|sent| *sent).count();
        let mut events = Vec::with_capacity(self.lines.len());
        while waiting > 0 {
            events.clear();
            match epoll::wait(&self.ready, spare_capacity(&mut events), None) {
                Err(rustix::io::Errno::INTR) => continue,
                waited => waited.expect("our own descriptor"),
            };
            for event in &events {
                let line = &mut self.lines[event.data.u64() as usize];
                if !line.read() {
                    continue;
                }
                hear(line.heard());
                line.answer.clear();
                heard += 1;
                if !send(line) {
                    waiting -= 1;
                }
            }
        }
        (heard, began.elapsed())
    }
}

impl Line {
    /// Reads what is there, and says whether the answer is whole.
    fn read(&mut self) -> bool {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).expect("the server keeps the connection");
        assert!(
            read > 0,
            "the server closed the connection after {:?}",
            String::from_utf8_lossy(&self.answer)
        );
        self.answer.extend_from_slice(&chunk[..read]);
        self.split().is_some_and(|(body, length)| self.answer.len() - body >= length)
    }

    /// Where the body begins, and how long it is said to be.
    fn split(&self) -> Option<(usize, usize)> {
        let end = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        let name = b"content-length:";
        let mut lines = self.answer[..end].split(|byte| *byte == b'\n');
        let line =
            lines.find(|line| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name));
        let length = std::str::from_utf8(&line.expect("every answer says its length")[name.len()..]);
        let length = length.expect("a length is ASCII").trim().parse().expect("a length is a number");
        Some((end + 4, length))
    }

    fn heard(&self) -> Heard<'_> {
        let (body, _) = self.split().expect("it was found whole");
        let head = std::str::from_utf8(&self.answer[..body - 4]).expect("heads are ASCII");
        let status =
            head.get(9..12).and_then(|digits| digits.parse().ok()).expect("a head begins with a status");
        Heard { status, head, body: &self.answer[body..] }
    }
}
