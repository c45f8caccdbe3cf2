//! Measures what the README says: it starts the service, and NATS if it is given the server's program, and
//! sends requests over loopback for a bounded time.
//!
//! `cargo build --release && cargo run --release --example load -- [--nats-server PROGRAM]`

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
        "{:<34} {:>9} {:>8} {:>8} {:>8} {:>7} {:>7}",
        "", "requests", "p50", "p99", "p99.9", "CPUs", "crate"
    );
    println!(
        "{:<34} {:>9} {:>8} {:>8} {:>8} {:>7} {:>7}",
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
    let one = Server::start(&data).await?;
    let restored = started.elapsed();
    ensure!(one.request(Method::GET, &path(flags.users - 1, ""), "").await? == 200);
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
    for (kind, method, action) in
        [("refreshes", Method::POST, "/setPresence"), ("reads", Method::GET, "")]
    {
        let before = usage(servers).await?;
        let started = Instant::now();
        let end = started + Duration::from_secs(flags.seconds);
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
            "{:<34} {:>9.0} {:>8.2} {:>8.2} {:>8.2} {:>7.2} {:>6.1}%",
            format!("{name}, {kind}"),
            times.len() as f64 / elapsed,
            ms(0.5),
            ms(0.99),
            ms(0.999),
            cpu / elapsed,
            (after.of_crate - before.of_crate) / cpu * 100.0,
        );
    }
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
    format!("/v1.0/users/{user:08x}-eca7-46b7-bad1-db199b62afc3/presence{action}")
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
        let text = Client::connect(&server.address).await?.get("/metrics").await?;
        let line = text.lines().find_map(|line| line.strip_prefix("presence_crate_nanoseconds_total "));
        usage.of_crate += line.and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0) / 1e9;
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
