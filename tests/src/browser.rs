//! A real Chromium without a window, driven through ChromeDriver (W3C WebDriver).

use std::path::PathBuf;
use std::process::Command;

use demo::line::ports;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::process::{Process, find};
use crate::wait_for;

/// How long something may take to be seen on a page, in seconds.
const SOON: u64 = 20;

/// A browser with one page, 1024 x 600 as on the small screens beside lines.
pub struct Browser {
    runtime: Runtime,
    client: Client,
    _driver: Process,
    _folder: tempfile::TempDir,
}

/// ChromeDriver and Chromium; says that `test` is left out where they are missing.
#[must_use]
pub fn chromium(test: &str) -> Option<(PathBuf, PathBuf)> {
    let found = find("chromedriver").zip(find("chromium"));
    if found.is_none() {
        println!("SKIPPED {test}: chromium and chromedriver are missing (Debian packages chromium, chromium-driver)");
    }
    found
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start((driver, chromium): (PathBuf, PathBuf)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = ports::free(1).expect("a port")[0].port();
        let mut command = Command::new(driver);
        command.arg(format!("--port={port}"));
        let process = Process::start("chromedriver", folder.path(), &mut command);
        let profile = folder.path().join("profile");
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1024,600",
            "--hide-scrollbars",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let options = json!({ "binary": chromium, "args": arguments });
        let capabilities = json!({ "goog:chromeOptions": options }).as_object().cloned().unwrap_or_default();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        let client = wait_for("chromedriver", 30, || {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities.clone());
            runtime.block_on(builder.connect(&format!("http://127.0.0.1:{port}"))).ok()
        });
        let browser = Self { runtime, client, _driver: process, _folder: folder };
        browser.resize(1024, 600);
        browser
    }

    /// Makes the page itself, without the frame of the window, so large.
    ///
    /// # Panics
    /// When the browser has gone.
    pub fn resize(&self, width: u32, height: u32) {
        let frame = self.script("return [outerWidth - innerWidth, outerHeight - innerHeight]");
        let more = |index: usize| frame[index].as_u64().and_then(|dots| u32::try_from(dots).ok()).unwrap_or_default();
        let (width, height) = (width + more(0), height + more(1));
        self.runtime.block_on(self.client.set_window_size(width, height)).expect("a window");
    }

    /// Opens a page.
    ///
    /// # Panics
    /// When it does not load.
    pub fn open(&self, url: &str) {
        self.runtime.block_on(self.client.goto(url)).expect("the page loads");
    }

    /// Waits until an element is there and is seen.
    ///
    /// # Panics
    /// When it does not come soon.
    #[must_use]
    pub fn find(&self, css: &str) -> Element {
        wait_for(&format!("{css} to be seen"), SOON, || {
            self.runtime.block_on(async {
                for element in self.client.find_all(Locator::Css(css)).await.ok()? {
                    if element.is_displayed().await.ok()? {
                        return Some(element);
                    }
                }
                None
            })
        })
    }

    /// Is an element to be seen now?
    ///
    /// # Panics
    /// When the browser has gone.
    #[must_use]
    pub fn sees(&self, css: &str) -> bool {
        let seen = "const e = [...document.querySelectorAll(arguments[0])]; return e.some(e => e.checkVisibility())";
        self.script_with(seen, css).as_bool().expect("yes or no")
    }

    /// The text that is seen in an element, empty where it is not there.
    ///
    /// # Panics
    /// When the browser has gone.
    #[must_use]
    pub fn text(&self, css: &str) -> String {
        let text = "const e = document.querySelector(arguments[0]); return e ? e.innerText : ''";
        self.script_with(text, css).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element shows this text, among others.
    ///
    /// # Panics
    /// When it does not soon.
    pub fn wait_text(&self, css: &str, part: &str) {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(SOON);
        loop {
            let text = self.text(css);
            if text.contains(part) {
                return;
            }
            assert!(std::time::Instant::now() < until, "{css} says {text:?}, not {part:?}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// An attribute of an element.
    #[must_use]
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let element = self.find(css);
        self.runtime.block_on(element.attr(name)).ok()?
    }

    /// Touches an element.
    ///
    /// # Panics
    /// When it cannot be touched: it is covered, or outside of the page.
    pub fn click(&self, css: &str) {
        let element = self.find(css);
        self.runtime.block_on(element.click()).unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Types into an empty field and presses Enter, as a keyboard scanner does.
    ///
    /// # Panics
    /// When the field does not take it.
    pub fn type_line(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.runtime.block_on(element.clear()).expect("a field");
        // WebDriver, 17.4.2: U+E007 is Enter.
        self.runtime.block_on(element.send_keys(&format!("{text}\u{e007}"))).expect("keys");
    }

    /// Runs a script and tells what it returns.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn script(&self, script: &str) -> Value {
        self.script_with(script, "")
    }

    fn script_with(&self, script: &str, argument: &str) -> Value {
        self.runtime.block_on(self.client.execute(script, vec![argument.into()])).expect("the script runs")
    }

    /// A picture of the page as PNG.
    ///
    /// # Panics
    /// When the browser has gone.
    #[must_use]
    pub fn screenshot(&self) -> Vec<u8> {
        self.runtime.block_on(self.client.screenshot()).expect("a picture")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium would outlive its driver.
        drop(self.runtime.block_on(self.client.clone().close()));
    }
}
