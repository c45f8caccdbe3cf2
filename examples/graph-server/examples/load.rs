//! Measures what the README says: it starts the service, and NATS if it is given the server's program, and
//! sends requests over loopback for a bounded time.
//!
//! `cargo build --release && cargo run --release --example load -- [--nats-server PROGRAM]`
//!
//! Ten thousand watchers need as many descriptors: `ulimit -n 65536` comes before.

#![allow(clippy::cast_precision_loss, reason = "figures are printed with a few digits")]

use std::future::Future;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use presence_graph_server::shard::shard_of;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[derive(Parser)]
struct Flags {
    /// The program nats-server, for the figures of three processes
    #[arg(long)]
    nats_server: Option<PathBuf>,
    /// How many seconds each figure takes
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many connections send requests at once
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// How many users are restored
    #[arg(long, default_value_t = 1_000_000)]
    users: usize,
    /// How many users of one shard expire at once
    #[arg(long, default_value_t = 40_000)]
    expire: usize,
    /// How many watchers come back
    #[arg(long, default_value_t = 10_000)]
    watchers: usize,
}

/// How many users the requests are for, so that the rest of a million is at rest.
const USERS: usize = 20_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let folder = std::env::temp_dir().join(format!("presence-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = measure(&flags, &folder).await;
    std::fs::remove_dir_all(&folder)?;
    result
}

async fn measure(flags: &Flags, folder: &Path) -> anyhow::Result<()> {
    println!(
        "{:<42} {:>9} {:>8} {:>8} {:>8} {:>7} {:>7}",
        "", "requests", "p50", "p99", "p99.9", "CPUs", "crate"
    );
    println!(
        "{:<42} {:>9} {:>8} {:>8} {:>8} {:>7} {:>7}",
        "", "a second", "ms", "ms", "ms", "used", "share"
    );
    let data = folder.join("data");
    let data = ["--data", data.to_str().context("a path that is not text")?];
    let one = vec![Server::start(&data).await?];
    figures("one process", &one, flags).await?;

    // The rest of the users, to be restored.
    let filled = fill(&one[0], USERS..flags.users, flags.connections).await?;
    drop(one);
    let started = Instant::now();
    let one = vec![Server::start(&data).await?];
    let restored = started.elapsed();
    ensure!(one[0].request(Method::GET, &path(flags.users - 1, ""), "").await? == 200);
    hard_times("one process", &one, flags).await?;
    drop(one);

    let mut killed = None;
    if let Some(program) = &flags.nats_server {
        let nats = Nats::start(program, folder).await?;
        let url = format!("nats://{}", nats.address);
        let mut three = Vec::new();
        for _ in 0..3 {
            three.push(Server::start(&["--nats", &url]).await?);
        }
        wait_for_owners(&three[0]).await?;
        figures("three processes with NATS", &three, flags).await?;
        hard_times("three processes with NATS", &three, flags).await?;
        let started = Instant::now();
        drop(three.pop());
        wait_for_owners(&three[0]).await?;
        killed = Some(started.elapsed());
    }
    println!();
    println!("{} users were written at {filled:.0} a second", flags.users.saturating_sub(USERS));
    println!(
        "{} users were restored after kill -9, until the first answer, in {restored:.1?}",
        flags.users
    );
    if let Some(killed) = killed {
        println!("the shards of a process answered again {killed:.1?} after its kill -9");
    }
    Ok(())
}

/// Measures refreshes and reads.
async fn figures(name: &str, servers: &[Server], flags: &Flags) -> anyhow::Result<()> {
    fill(&servers[0], 0..USERS, flags.connections).await?;
    row(&format!("{name}, refreshes"), servers, flags, REFRESH).await?;
    row(&format!("{name}, reads"), servers, flags, READ).await
}

/// Measures refreshes while shards are stored, while many users expire, and while many watchers come back.
async fn hard_times(name: &str, servers: &[Server], flags: &Flags) -> anyhow::Result<()> {
    let before = snapshots(servers).await?;
    row_of(&format!("{name}, storing"), servers, flags, REFRESH, STORING).await?;
    let stored = snapshots(servers).await? - before;
    ensure!(stored > 0.0, "no shard was stored");

    let half = Duration::from_secs(flags.seconds) / 2;
    let (end, seen) = expire(servers, flags, half).await?;
    sleep(end.saturating_duration_since(Instant::now()).saturating_sub(half)).await;
    row(&format!("{name}, expiring"), servers, flags, REFRESH).await?;

    let pause = Duration::from_secs(flags.seconds) / u32::try_from(flags.watchers)?;
    let address = servers[0].address.clone();
    let count = flags.watchers;
    let coming = tokio::spawn(async move {
        let mut watchers = Vec::with_capacity(count);
        let mut next = Instant::now();
        for number in 0..count {
            watchers.push(watch(&address, number % USERS, Some(seen)).await?);
            next += pause;
            sleep(next.saturating_duration_since(Instant::now())).await;
        }
        anyhow::Ok(watchers)
    });
    row(&format!("{name}, watchers return"), servers, flags, REFRESH).await?;
    ensure!(coming.await??.len() == count);
    println!(
        "  ({stored} shards were stored, {} users expired, {count} watchers came back)",
        flags.expire
    );
    Ok(())
}

/// Lets users of one shard prefer something until the same moment, which is more than `ahead` away. It returns
/// that moment, and the id of a change before all of them end.
async fn expire(servers: &[Server], flags: &Flags, ahead: Duration) -> anyhow::Result<(Instant, u128)> {
    let user = |number: usize| path(number, "/setUserPreferredPresence");
    let users: Vec<usize> =
        (USERS..).filter(|number| shard_of(id(*number).as_str(), 16) == 0).take(flags.expire).collect();
    let started = Instant::now();
    each(&servers[0], &users, flags, |number| (path(number, "/setPresence"), session())).await?;
    let end = Instant::now() + started.elapsed() * 2 + ahead + Duration::from_secs(2);
    let body = move || {
        let left = end.saturating_duration_since(Instant::now()).as_secs_f64();
        format!(
            r#"{{"availability":"DoNotDisturb","activity":"DoNotDisturb","expirationDuration":"PT{left:.3}S"}}"#
        )
    };
    let (last, users) = users.split_last().context("nobody expires")?;
    each(&servers[0], users, flags, move |number| (user(number), body())).await?;
    ensure!(Instant::now() + ahead < end, "the preferences took too long to be set");
    let mut watcher = watch(&servers[0].address, *last, None).await?;
    each(&servers[0], &[*last], flags, move |number| (user(number), body())).await?;
    Ok((end, first_id(&mut watcher).await?))
}

/// Sends a command for each user until it is answered.
async fn each(
    server: &Server,
    users: &[usize],
    flags: &Flags,
    command: impl Fn(usize) -> (String, String) + Copy + Send + 'static,
) -> anyhow::Result<()> {
    let mut clients = JoinSet::new();
    for users in users.chunks(users.len().div_ceil(flags.connections)) {
        let (users, mut client) = (users.to_vec(), Client::connect(&server.address).await?);
        clients.spawn(async move {
            for user in users {
                loop {
                    let (path, body) = command(user);
                    match client.send(Method::POST, &path, body).await? {
                        200 => break,
                        429 | 503 => sleep(Duration::from_millis(100)).await,
                        status => anyhow::bail!("status {status}"),
                    }
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

/// Opens a stream of changes.
async fn watch(address: &str, user: usize, seen: Option<u128>) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    let seen = seen.map(|seen| format!("last-event-id: {seen}\r\n")).unwrap_or_default();
    let path = format!("/v1.0/communications/presences/changes?ids={}", id(user));
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{seen}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut start = [0; 15];
    stream.read_exact(&mut start).await?;
    ensure!(start == *b"HTTP/1.1 200 OK", "{}", String::from_utf8_lossy(&start));
    Ok(stream)
}

/// Returns the id of the first event of a stream.
async fn first_id(stream: &mut TcpStream) -> anyhow::Result<u128> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await?;
        ensure!(read > 0, "the stream has ended");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        if let Some((id, _)) = text.split("\nid: ").nth(1).and_then(|rest| rest.split_once('\n')) {
            return Ok(id.parse()?);
        }
    }
}

/// How many shards were stored.
async fn snapshots(servers: &[Server]) -> anyhow::Result<f64> {
    let mut count = 0.0;
    for server in servers {
        count += server.metric("presence_snapshot_seconds_count").await?;
    }
    Ok(count)
}

/// A kind of request: the method and the action.
type Kind = (Method, &'static str);
const REFRESH: Kind = (Method::POST, "/setPresence");
const READ: Kind = (Method::GET, "");

/// How many seconds the row of storing takes. With NATS, each shard is stored once a minute.
const STORING: u64 = 70;

/// Sends requests of one kind, and prints how many were answered and how quickly.
async fn row(name: &str, servers: &[Server], flags: &Flags, kind: Kind) -> anyhow::Result<()> {
    row_of(name, servers, flags, kind, flags.seconds).await
}

async fn row_of(
    name: &str,
    servers: &[Server],
    flags: &Flags,
    kind: Kind,
    seconds: u64,
) -> anyhow::Result<()> {
    let (method, action) = kind;
    let before = usage(servers).await?;
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let mut clients = JoinSet::new();
    for number in 0..flags.connections {
        let server = &servers[number % servers.len()];
        let mut client = Client::connect(&server.address).await?;
        let method = method.clone();
        clients.spawn(async move {
            let mut times = Histogram::<u64>::new(3)?;
            let mut user = number * 7_919;
            while Instant::now() < end {
                user = (user + 104_729) % USERS;
                let body = if action.is_empty() { String::new() } else { session() };
                let sent = Instant::now();
                let status = client.send(method.clone(), &path(user, action), body).await?;
                ensure!(status == 200, "status {status}");
                times.record(u64::try_from(sent.elapsed().as_micros())?)?;
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Histogram::<u64>::new(3)?;
    while let Some(client) = clients.join_next().await {
        times.add(client??)?;
    }
    let elapsed = started.elapsed().as_secs_f64();
    let after = usage(servers).await?;
    let cpu = after.cpu - before.cpu;
    let ms = |quantile| times.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "{:<42} {:>9.0} {:>8.2} {:>8.2} {:>8.2} {:>7.2} {:>6.1}%",
        name,
        times.len() as f64 / elapsed,
        ms(0.5),
        ms(0.99),
        ms(0.999),
        cpu / elapsed,
        (after.of_crate - before.of_crate) / cpu * 100.0,
    );
    Ok(())
}

/// Sets a session for each user, and returns how many a second.
async fn fill(
    server: &Server,
    users: std::ops::Range<usize>,
    connections: usize,
) -> anyhow::Result<f64> {
    let started = Instant::now();
    let count = users.len();
    let mut clients = JoinSet::new();
    for number in 0..connections {
        let mut client = Client::connect(&server.address).await?;
        let users = users.clone().skip(number).step_by(connections);
        clients.spawn(async move {
            for user in users {
                // The service says so if it is too much.
                while client.send(Method::POST, &path(user, "/setPresence"), session()).await? != 200 {
                    ensure!(
                        started.elapsed() < Duration::from_secs(300),
                        "too many requests are rejected"
                    );
                    sleep(Duration::from_secs(1)).await;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// Waits until users of all shards can be read.
async fn wait_for_owners(server: &Server) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut user = 0;
    while user < 500 {
        if server.request(Method::GET, &path(user, ""), "").await? == 200 {
            user += 1;
        } else {
            ensure!(started.elapsed() < Duration::from_secs(30), "a shard has no owner");
            sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

fn path(user: usize, action: &str) -> String {
    format!("/v1.0/users/{}/presence{action}", id(user))
}

fn id(user: usize) -> String {
    format!("{user:08x}-eca7-46b7-bad1-db199b62afc3")
}

fn session() -> String {
    r#"{"sessionId":"22553876-f5ab-4529-bffb-cfe50aa89f87","availability":"Available","activity":"Available","expirationDuration":"PT1H"}"#.to_owned()
}

/// What the servers have used, in seconds.
struct Usage {
    cpu: f64,
    of_crate: f64,
}

async fn usage(servers: &[Server]) -> anyhow::Result<Usage> {
    let mut usage = Usage { cpu: 0.0, of_crate: 0.0 };
    for server in servers {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.process.id()))?;
        // The fields after the name are counted from 3; user and system time are 14 and 15, in 1/100 s.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        usage.cpu +=
            fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0;
        usage.of_crate += server.metric("presence_crate_nanoseconds_total").await? / 1e9;
    }
    Ok(usage)
}

/// A process of the service. It is killed with -9 when it is dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    async fn start(flags: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("../presence-graph-server");
        let address = free_address()?;
        let mut command = Command::new(program);
        command.args(["--listen", &address]).args(flags).env("RUST_LOG", "warn");
        let server =
            Self { process: command.spawn().context("cargo build --release comes first")?, address };
        until_it_listens(&server.address).await?;
        Ok(server)
    }

    /// Returns a metric without labels, or 0 if it is not there.
    async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = Client::connect(&self.address).await?.get("/metrics").await?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.and_then(|value| value.parse().ok()).unwrap_or(0.0))
    }

    async fn request(&self, method: Method, path: &str, body: &str) -> anyhow::Result<u16> {
        Client::connect(&self.address).await?.send(method, path, body.to_owned()).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server of NATS that syncs each message.
struct Nats {
    process: Child,
    address: String,
}

impl Nats {
    async fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let address = free_address()?;
        let store = folder.join("nats");
        let config = folder.join("nats.conf");
        let text = format!(
            "listen: {address}\njetstream {{ store_dir: {:?}, sync_interval: always }}\n",
            store.display().to_string()
        );
        std::fs::write(&config, text)?;
        let process = Command::new(program).arg("-c").arg(&config).stderr(Stdio::null()).spawn()?;
        let nats = Self { process, address };
        until_it_listens(&nats.address).await?;
        Ok(nats)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

async fn until_it_listens(address: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        ensure!(started.elapsed() < Duration::from_secs(120), "nothing listens on {address}");
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// One connection.
struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Client {
    async fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_owned() })
    }

    fn request(
        &mut self,
        method: Method,
        path: &str,
        body: String,
    ) -> anyhow::Result<
        impl Future<Output = hyper::Result<hyper::Response<hyper::body::Incoming>>> + use<>,
    > {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        Ok(self.sender.send_request(request))
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> anyhow::Result<u16> {
        let response = self.request(method, path, body)?.await?;
        let status = response.status().as_u16();
        response.into_body().collect().await?;
        self.sender.ready().await?;
        Ok(status)
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<String> {
        let response = self.request(Method::GET, path, String::new())?.await?;
        Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?)
    }
}
