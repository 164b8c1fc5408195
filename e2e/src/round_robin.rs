//! A balancer in front of several peers that knows nothing of HTTP: each connection goes to the next
//! peer, and bytes are copied both ways until both sides have ended.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Takes connections from `start` until it is dropped.
pub(crate) struct RoundRobin {
    address: SocketAddr,
    peers: Arc<Mutex<Vec<SocketAddr>>>,
    ended: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl RoundRobin {
    /// In front of these peers, by their URLs, on a port that the system chooses.
    pub(crate) fn start(peers: &[String]) -> RoundRobin {
        let peers = Arc::new(Mutex::new(addresses(peers)));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let ended = Arc::new(AtomicBool::new(false));
        let accepting = std::thread::spawn({
            let (peers, ended) = (peers.clone(), ended.clone());
            move || accept(&listener, &peers, &ended)
        });
        RoundRobin { address, peers, ended, accepting: Some(accepting) }
    }

    /// Other peers from the next connection on.
    pub(crate) fn turn_to(&self, peers: &[String]) {
        *self.peers.lock().expect("nobody panics with it") = addresses(peers);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for RoundRobin {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the one who accepts; when nobody can connect, nobody is waiting either.
        let _ = TcpStream::connect(self.address);
        let accepted = self.accepting.take().expect("dropped once").join();
        assert!(accepted.is_ok() || std::thread::panicking(), "the round-robin panicked");
    }
}

fn addresses(urls: &[String]) -> Vec<SocketAddr> {
    let address = |url: &String| url.strip_prefix("http://").and_then(|address| address.parse().ok());
    urls.iter().map(|url| address(url).expect("a peer names an address and a port")).collect()
}

fn accept(listener: &TcpListener, peers: &Mutex<Vec<SocketAddr>>, ended: &AtomicBool) {
    for turn in 0.. {
        let Ok((client, _)) = listener.accept() else { continue };
        if ended.load(Ordering::SeqCst) {
            return;
        }
        // A peer that takes no connections is passed over; without any the client is hung up on.
        let mut in_turn = peers.lock().expect("nobody panics with it").clone();
        let first = turn % in_turn.len().max(1);
        in_turn.rotate_left(first);
        let Some(peer) = in_turn.iter().find_map(|peer| TcpStream::connect(peer).ok()) else { continue };
        // Both have ended when they hang up, which they do when their peer or their client does.
        let _ = join(client, peer);
    }
}

fn join(client: TcpStream, peer: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    peer.set_nodelay(true)?;
    let (from_peer, to_client) = (peer.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || copy(client, peer));
    std::thread::spawn(move || copy(from_peer, to_client));
    Ok(())
}

/// Until the one ends, cleanly or not; then the other hears of it.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// Answers each connection with its name and what it was sent.
    fn echo(name: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut heard = String::new();
                stream.read_to_string(&mut heard).unwrap();
                stream.write_all(format!("{name} heard {heard}").as_bytes()).unwrap();
            }
        });
        url
    }

    fn ask(front: &RoundRobin, text: &str) -> String {
        let mut stream = TcpStream::connect(front.address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn connections_go_to_one_peer_after_the_other() {
        let front = RoundRobin::start(&[echo("a"), echo("b"), echo("c")]);
        let answers: Vec<String> = (0..4).map(|number| ask(&front, &number.to_string())).collect();
        assert_eq!(answers, ["a heard 0", "b heard 1", "c heard 2", "a heard 3"]);
    }

    #[test]
    fn a_peer_that_is_gone_is_passed_over() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let front = RoundRobin::start(&[echo("a"), format!("http://{gone}"), echo("c")]);
        let answers: Vec<String> = (0..3).map(|number| ask(&front, &number.to_string())).collect();
        assert_eq!(answers, ["a heard 0", "c heard 1", "c heard 2"]);
    }

    #[test]
    fn without_any_peer_the_client_is_hung_up_on() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let front = RoundRobin::start(&[format!("http://{gone}")]);
        let mut stream = TcpStream::connect(front.address).unwrap();
        let mut answer = Vec::new();
        // Closed or reset, but not left waiting.
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty());
    }
}
