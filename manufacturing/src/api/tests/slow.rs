//! Clients that do not take their answer.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use super::*;

/// A lot whose list is longer than all that the network between holds back.
fn long() -> Vec<Work> {
    let mut a = Station::new("a", 1);
    let lot = "L".repeat(250);
    for n in 0..6000 {
        a.write(n, packed(&format!("S{n:05}-{}", "x".repeat(200)), &"P".repeat(250), &[("lotCode", &lot)]));
    }
    (0..60).map(|n| a.work(n * 100 + 1, n * 100 + 100)).collect()
}

/// Asks, waits, and then reads to the end of the connection.
async fn after(service: SocketAddr, path: &str, wait: Duration) -> Vec<u8> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(service).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(wait).await;
    let mut answer = Vec::new();
    // A connection that is reset ends the reading as well.
    drop(stream.read_to_end(&mut answer).await);
    answer
}

#[test]
fn an_answer_that_a_slow_client_lost_is_no_whole_answer() {
    let service = serve_with(&long(), Duration::from_millis(300));
    let mut last = Vec::new();
    for format in ["json", "ndjson", "csv", "csv&for=spreadsheet"] {
        let path = format!("/v1/recall?by=lotCode&value={}&format={format}", "L".repeat(250));
        let cut = service.runtime.block_on(after(service.address, &path, Duration::from_millis(1500)));
        assert!(cut.starts_with(b"HTTP/1.1 200 OK"), "{format}");
        assert!(!cut.ends_with(b"0\r\n\r\n"), "{format}: the chunks of a cut answer have no end");
        let whole = service.runtime.block_on(after(service.address, &path, Duration::ZERO));
        assert!(whole.ends_with(b"0\r\n\r\n") && whole.len() > cut.len(), "{format}");
        last = cut;
    }
    // What curl, browsers and other clients make of what came: how much the network holds back for them is not known.
    let read = service.runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let asked = stream.read(&mut [0; 4096]).await.unwrap();
            assert!(asked > 0);
            stream.write_all(&last).await.unwrap();
        });
        let client = base::http::client(None).unwrap();
        client.get(url).send().await.unwrap().bytes().await
    });
    assert!(read.is_err(), "a download that failed, not one that is short");
}

#[test]
fn slow_recalls_do_not_hold_up_a_short_answer() {
    let held = Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        drop(Writer::open(&folder.path().join(FILE)).unwrap());
        let (store, _ended) = Store::start(
            Place::Sqlite(folder.path().join(FILE)),
            crate::testkit::own(Enrolment::FirstUse),
            Arc::new(|| at(0)),
            drop,
        )
        .unwrap();
        let mut readers = Vec::new();
        while let Ok(Ok(reader)) = tokio::time::timeout(Duration::from_millis(50), store.long_reader()).await {
            readers.push(reader);
        }
        let stored = tokio::time::timeout(Duration::from_secs(5), store.read(|snapshot| snapshot.stored())).await;
        assert!(stored.unwrap().is_ok());
        readers.len()
    });
    assert!(held > 0);
}
