//! Sends prepared requests over kept connections and counts what they cost the server.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::client::Target;
use crate::report::Phase;
use crate::server::Server;

/// One way to drive one server.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) server: &'a Server,
    pub(crate) target: &'a Target,
    pub(crate) connections: usize,
}

impl Run<'_> {
    /// Sends the requests again and again for `time`.
    pub(crate) async fn repeat(&self, requests: &[Vec<u8>], time: Duration) -> Phase {
        let (phase, _) = self.send(requests, time, usize::MAX, false).await;
        phase
    }

    /// Sends each request at most once, for `time` at the most; returns the answers when asked.
    pub(crate) async fn once(
        &self,
        requests: &[Vec<u8>],
        time: Duration,
        keep: bool,
    ) -> (Phase, Vec<Vec<u8>>) {
        self.send(requests, time, requests.len(), keep).await
    }

    /// Opens `count` connections one after another in each place, each with a handshake and one
    /// request. `spent` says what the server has used so far.
    pub(crate) async fn connect(&self, count: usize, spent: impl Fn() -> f64) -> Phase {
        let requests = crate::client::get("/hello");
        let (cpu, start) = (spent(), Instant::now());
        let latencies = Rc::new(RefCell::new(Vec::new()));
        let local = tokio::task::LocalSet::new();
        for _ in 0..self.connections {
            let (target, requests) = (self.target.clone(), requests.clone());
            let latencies = Rc::clone(&latencies);
            let share = count / self.connections;
            local.spawn_local(async move {
                for _ in 0..share {
                    let opened = Instant::now();
                    let mut connection = target.connect().await;
                    let (status, _) = connection.send(&requests).await;
                    assert_eq!(status, 200);
                    latencies.borrow_mut().push(opened.elapsed().as_secs_f64() * 1e3);
                }
            });
        }
        local.await;
        let seconds = start.elapsed().as_secs_f64();
        let latencies = latencies.take();
        Phase { requests: latencies.len(), seconds, server_micros: spent() - cpu, latencies }
    }

    async fn send(
        &self,
        requests: &[Vec<u8>],
        time: Duration,
        most: usize,
        keep: bool,
    ) -> (Phase, Vec<Vec<u8>>) {
        let requests: Rc<Vec<Vec<u8>>> = Rc::new(requests.to_vec());
        let shared = Rc::new(RefCell::new(Shared::default()));
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            connections.push(self.target.connect().await);
        }
        let (cpu, start) = (self.server.cpu_micros(), Instant::now());
        let local = tokio::task::LocalSet::new();
        for mut connection in connections {
            let (requests, shared) = (Rc::clone(&requests), Rc::clone(&shared));
            local.spawn_local(async move {
                while start.elapsed() < time {
                    let number = shared.borrow().next;
                    if number >= most {
                        break;
                    }
                    shared.borrow_mut().next += 1;
                    let sent = Instant::now();
                    let (status, body) = connection.send(&requests[number % requests.len()]).await;
                    let shown = String::from_utf8_lossy(body);
                    assert!(
                        matches!(status, 200 | 201) && shown != r#"{"active":false}"#,
                        "{status} {shown}"
                    );
                    let body = keep.then(|| body.to_vec());
                    let mut shared = shared.borrow_mut();
                    shared.latencies.push(sent.elapsed().as_secs_f64() * 1e3);
                    shared.answers.extend(body);
                }
            });
        }
        local.await;
        let seconds = start.elapsed().as_secs_f64();
        let server_micros = self.server.cpu_micros() - cpu;
        let shared = shared.take();
        let phase =
            Phase { requests: shared.next, seconds, server_micros, latencies: shared.latencies };
        (phase, shared.answers)
    }
}

#[derive(Default)]
struct Shared {
    next: usize,
    latencies: Vec<f64>,
    answers: Vec<Vec<u8>>,
}
