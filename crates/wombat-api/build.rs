//! The website is embedded from a folder that another tool writes.

fn main() {
    println!("cargo::rerun-if-changed=../../ui/dist");
}
