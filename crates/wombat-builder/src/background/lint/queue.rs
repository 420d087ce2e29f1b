//! Lint requests that wait for their turn. Clients take turns, so that none keeps the others waiting.

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

use wombat_model::client_network;

/// Requests that are answered at the same time, each of another client.
pub(super) const LANES: u32 = 2;
/// Most requests that wait.
const MOST: u32 = 32;
/// Most of them of one client's network.
const MOST_OF_CLIENT: u32 = 4;
/// Turns that are remembered.
const MOST_TURNS: usize = 64;
/// How long a lint is supposed to take before the first one was measured.
const FIRST_GUESS: Duration = Duration::from_secs(2);

/// A client's network; `None`: the request didn't name it, so that it can't be told from others.
type Client = Option<IpAddr>;

/// Waiting requests.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// The oldest first.
    waiting: VecDeque<(Client, T)>,
    /// The clients whose requests are being answered.
    served: Vec<Client>,
    /// Whose turn it was, the last one at the end.
    turns: VecDeque<Client>,
    /// How long an answer takes, on average.
    usual: Duration,
}

/// The turn of a request, until it is given back to [`Queue::end`].
#[derive(Debug)]
pub(super) struct Turn {
    client: Client,
    begun: Instant,
}

/// A request that has no place, and the seconds after which one is probably free.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full<T>(pub(super) T, pub(super) u64);

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            served: Vec::new(),
            turns: VecDeque::new(),
            usual: FIRST_GUESS,
        }
    }

    /// Adds a request of this client of a gateway.
    pub(super) fn push(&mut self, client: Client, request: T) -> Result<(), Full<T>> {
        let client = client.map(client_network);
        let all = self.waiting.iter();
        let own = all.filter(|(other, _)| client.is_some() && *other == client);
        let own = own.count();
        let retry_after = if own >= MOST_OF_CLIENT as usize {
            // They are answered one after another.
            self.usual * MOST_OF_CLIENT
        } else if self.waiting.len() >= MOST as usize {
            self.usual * MOST / LANES
        } else {
            self.waiting.push_back((client, request));
            return Ok(());
        };
        Err(Full(request, retry_after.as_secs() + 1))
    }

    /// The next request: of the client whose last turn was the longest time ago, and one of whose requests isn't being
    /// answered.
    pub(super) fn next(&mut self) -> Option<(T, Turn)> {
        let last_turn = |client: &Client| self.turns.iter().rposition(|other| other == client);
        let is_free = |client: &Client| client.is_none() || !self.served.contains(client);
        let free = self.waiting.iter().enumerate();
        let free = free.filter(|(_, (client, _))| is_free(client));
        // Of requests of one client, the oldest is first.
        let (place, _) = free.min_by_key(|(_, (client, _))| last_turn(client))?;
        let (client, request) = self.waiting.remove(place)?;
        if self.turns.len() == MOST_TURNS {
            self.turns.pop_front();
        }
        self.turns.push_back(client);
        self.served.push(client);
        let begun = Instant::now();
        Some((request, Turn { client, begun }))
    }

    /// Ends a turn. `answered`: whether its duration says how long others take.
    pub(super) fn end(&mut self, turn: &Turn, answered: bool) {
        if let Some(place) = self.served.iter().position(|other| *other == turn.client) {
            self.served.swap_remove(place);
        }
        if answered {
            self.usual = (self.usual * 3 + turn.begun.elapsed()) / 4;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn next(queue: &mut Queue<u32>) -> Option<u32> {
        queue.next().map(|(request, _)| request)
    }

    #[test]
    fn a_client_has_few_places_and_all_have_some_more() {
        let mut queue = Queue::new();
        for request in 0..MOST_OF_CLIENT {
            assert_eq!(queue.push(Some(client(1)), request), Ok(()));
        }
        assert_eq!(queue.push(Some(client(1)), 99), Err(Full(99, 9)));
        // Addresses of one network are one client.
        for last in 0..MOST_OF_CLIENT {
            let address: IpAddr = format!("2001:db8::{last}").parse().unwrap();
            assert_eq!(queue.push(Some(address), 10), Ok(()));
        }
        assert!(
            queue
                .push(Some("2001:db8::f".parse().unwrap()), 10)
                .is_err()
        );
        let mut last = 2;
        while queue.waiting.len() < MOST as usize {
            assert_eq!(queue.push(Some(client(last)), 20), Ok(()));
            last += 1;
        }
        assert_eq!(queue.push(Some(client(last)), 30), Err(Full(30, 33)));
        assert_eq!(queue.push(None, 30), Err(Full(30, 33)));
        assert_eq!(next(&mut queue), Some(0));
        assert_eq!(queue.push(Some(client(last)), 30), Ok(()));
    }

    #[test]
    fn clients_take_turns() {
        let mut queue = Queue::new();
        for (who, request) in [(1, 10), (1, 11), (1, 12), (2, 20), (2, 21), (3, 30)] {
            queue.push(Some(client(who)), request).unwrap();
        }
        let (request, first) = queue.next().unwrap();
        assert_eq!(request, 10);
        let (request, second) = queue.next().unwrap();
        assert_eq!(
            request, 20,
            "another of the first client would be served beside it"
        );
        queue.end(&first, true);
        let (request, third) = queue.next().unwrap();
        assert_eq!(request, 30);
        // A new request of a client that was just served comes after those of others.
        queue.end(&third, true);
        queue.push(Some(client(3)), 31).unwrap();
        assert_eq!(next(&mut queue), Some(11));
        queue.end(&second, true);
        assert_eq!(next(&mut queue), Some(21));
        assert_eq!(next(&mut queue), Some(31));
        assert_eq!(next(&mut queue), None, "the first client is being served");
        assert_eq!(queue.waiting.len(), 1);
    }

    #[test]
    fn requests_without_a_client_are_served_side_by_side() {
        let mut queue = Queue::new();
        for request in 0..6 {
            queue.push(None, request).unwrap();
        }
        assert_eq!(next(&mut queue), Some(0));
        assert_eq!(next(&mut queue), Some(1));
    }
}
