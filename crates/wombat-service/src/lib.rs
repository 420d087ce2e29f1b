mod catalog;
#[cfg(test)]
mod fixture;
mod resolve;
