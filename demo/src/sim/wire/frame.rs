//! As much of the packet format of MQTT 5.0 as a wire has to see: where a packet ends, what a PUBLISH is about, what a
//! PUBACK answers, and what a CONNACK promises. Everything else passes as bytes. Pure.

/// Longest remaining length that four bytes can say (MQTT 5.0, 1.5.5), and the bytes before it.
const MOST_HEADER: usize = 5;

/// Bytes that are no packet that the wire carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    /// A remaining length of more than four bytes.
    #[error("a length of more than four bytes")]
    Length,
    /// Longer than the wire carries.
    #[error("a packet of {0} bytes")]
    TooLong(usize),
}

/// One packet, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    /// Bytes of the fixed header.
    header: usize,
}

/// What a PUBLISH says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Publish<'a> {
    /// Empty where it is said by an alias.
    pub topic: &'a str,
    /// Of QoS 1 and 2.
    pub packet_id: Option<u16>,
    pub qos: u8,
}

impl Frame {
    pub const CONNACK: u8 = 2;
    pub const PUBLISH: u8 = 3;
    pub const PUBACK: u8 = 4;

    /// The packet type (MQTT 5.0, 2.1.2).
    pub fn kind(&self) -> u8 {
        self.bytes.first().map_or(0, |first| first >> 4)
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn body(&self) -> &[u8] {
        self.bytes.get(self.header..).unwrap_or_default()
    }

    /// What it publishes; `None` where it is no PUBLISH that can be read.
    pub fn publish(&self) -> Option<Publish<'_>> {
        let first = *self.bytes.first().filter(|first| *first >> 4 == Self::PUBLISH)?;
        let (length, rest) = self.body().split_first_chunk()?;
        let (topic, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let qos = first >> 1 & 3;
        let packet_id = match qos {
            0 => None,
            _ => Some(u16::from_be_bytes(*rest.first_chunk()?)),
        };
        Some(Publish { topic: std::str::from_utf8(topic).ok()?, packet_id, qos })
    }

    /// The packet identifier that a PUBACK answers.
    pub fn acknowledged(&self) -> Option<u16> {
        let id = self.body().first_chunk().filter(|_| self.kind() == Self::PUBACK)?;
        Some(u16::from_be_bytes(*id))
    }

    /// The same PUBLISH with another packet number, where it has one.
    pub fn renumbered(&self, packet_id: u16) -> Self {
        let mut again = self.clone();
        let at = self.publish().filter(|publish| publish.packet_id.is_some()).map(|p| self.header + 2 + p.topic.len());
        let number = at.and_then(|at| again.bytes.get_mut(at..)?.first_chunk_mut());
        if let Some(number) = number {
            *number = packet_id.to_be_bytes();
        }
        again
    }

    /// A CONNACK that says no session is present and allows at most so large packets, where asked for. `None` where this
    /// is no CONNACK that can be read.
    pub fn greeting(&self, forget: bool, largest: Option<u32>) -> Option<Self> {
        let (&[flags, reason], rest) = self.body().split_first_chunk().filter(|_| self.kind() == Self::CONNACK)?;
        let (length, rest) = varint(rest)?;
        let mut properties = rest.get(..length).filter(|_| rest.len() == length)?;
        let mut kept = Vec::new();
        let mut allowed = None;
        while !properties.is_empty() {
            let (property, after) = properties.split_at_checked(property_size(properties)?)?;
            properties = after;
            match property {
                [0x27, size @ ..] => allowed = size.first_chunk().map(|size| u32::from_be_bytes(*size)),
                other => kept.extend_from_slice(other),
            }
        }
        if let Some(size) = [allowed, largest].into_iter().flatten().min() {
            kept.push(0x27);
            kept.extend(size.to_be_bytes());
        }
        let mut body = vec![if forget { flags & !1 } else { flags }, reason];
        body.extend(varint_bytes(kept.len()));
        body.extend(kept);
        Some(made(Self::CONNACK << 4, &body))
    }
}

/// A PUBACK with a reason code; 0 is success.
pub(super) fn puback(packet_id: u16, code: u8) -> Vec<u8> {
    let [high, low] = packet_id.to_be_bytes();
    made(Frame::PUBACK << 4, &[high, low, code, 0]).bytes
}

/// A DISCONNECT of the broker with a reason code.
pub(super) fn disconnect(code: u8) -> Vec<u8> {
    made(0xE0, &[code, 0]).bytes
}

/// A PUBLISH with QoS 0. A topic of more than 65,535 bytes is cut.
pub(super) fn publish(topic: &str, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(topic.len()).unwrap_or(u16::MAX);
    let mut body = length.to_be_bytes().to_vec();
    body.extend(&topic.as_bytes()[..length.into()]);
    body.push(0);
    body.extend(payload);
    made(Frame::PUBLISH << 4, &body).bytes
}

fn made(first: u8, body: &[u8]) -> Frame {
    let mut bytes = vec![first];
    bytes.extend(varint_bytes(body.len()));
    let header = bytes.len();
    bytes.extend(body);
    Frame { bytes, header }
}

fn varint_bytes(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7F) as u8;
        value >>= 7;
        bytes.push(low | u8::from(value > 0) << 7);
        if value == 0 {
            return bytes;
        }
    }
}

/// A variable byte integer and what follows it; `None` where it is cut or too long.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (n, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * n);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[n + 1..]));
        }
    }
    None
}

/// Bytes of the property that begins here, with its identifier, where it is one of a CONNACK (MQTT 5.0, 3.2.2.3).
fn property_size(bytes: &[u8]) -> Option<usize> {
    let (identifier, rest) = bytes.split_first()?;
    let text = |at: usize| Some(2 + usize::from(u16::from_be_bytes(*rest.get(at..)?.first_chunk()?)));
    let size = match identifier {
        0x24 | 0x25 | 0x28 | 0x29 | 0x2A => 1,
        0x13 | 0x21 | 0x22 => 2,
        0x11 | 0x27 => 4,
        0x12 | 0x15 | 0x16 | 0x1A | 0x1C | 0x1F => text(0)?,
        0x26 => {
            let name = text(0)?;
            name + text(name)?
        }
        _ => return None,
    };
    Some(1 + size)
}

/// Cuts a stream into packets. Holds at most one packet and what was added last.
#[derive(Debug)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    largest: usize,
}

impl Frames {
    /// Carries packets of at most `largest` bytes.
    pub fn new(largest: usize) -> Self {
        Self { bytes: Vec::new(), largest }
    }

    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole packet.
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(rest) = self.bytes.get(1..) else { return Ok(None) };
        let Some((length, after)) = varint(rest) else {
            return if self.bytes.len() >= MOST_HEADER { Err(FrameError::Length) } else { Ok(None) };
        };
        let header = self.bytes.len() - after.len();
        let whole = header + length;
        if whole > self.largest {
            return Err(FrameError::TooLong(whole));
        }
        if self.bytes.len() < whole {
            return Ok(None);
        }
        let rest = self.bytes.split_off(whole);
        let bytes = std::mem::replace(&mut self.bytes, rest);
        Ok(Some(Frame { bytes, header }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn whole(bytes: &[u8]) -> Frame {
        let mut frames = Frames::new(1 << 20);
        frames.add(bytes);
        let frame = frames.next().unwrap().unwrap();
        assert!(frames.bytes.is_empty());
        frame
    }

    fn connack(flags: u8, properties: &[u8]) -> Frame {
        let mut body = vec![flags, 0];
        body.extend(varint_bytes(properties.len()));
        body.extend(properties);
        made(0x20, &body)
    }

    #[test]
    fn a_greeting_is_written_anew_with_what_it_said() {
        // Topic alias maximum, receive maximum, a client id, a user property.
        let said = [0x22, 0, 10, 0x21, 0, 20, 0x12, 0, 2, b'i', b'd', 0x26, 0, 1, b'k', 0, 1, b'v'];
        let forgotten = connack(1, &said).greeting(true, Some(0x1000)).unwrap();
        let expected = [&said[..], &[0x27, 0, 0, 0x10, 0]].concat();
        assert_eq!(forgotten, connack(0, &expected));
        assert_eq!(connack(1, &said).greeting(false, None).unwrap(), connack(1, &said));
        // The smaller of two sizes holds, and it stands there once.
        assert_eq!(connack(0, &[0x27, 0, 0, 0, 9]).greeting(true, Some(10)).unwrap(), connack(0, &[0x27, 0, 0, 0, 9]));
        for unreadable in [&[0x27, 0, 0][..], &[0x01, 0], &[0x12, 0xFF, 0xFF]] {
            assert_eq!(connack(1, unreadable).greeting(true, None), None);
        }
        assert_eq!(whole(&puback(7, 0)).greeting(true, None), None);
    }

    #[test]
    fn a_length_of_five_bytes_and_a_packet_that_is_too_long_are_refused() {
        let mut frames = Frames::new(100);
        frames.add(&[0x30, 0xFF, 0xFF, 0xFF]);
        assert_eq!(frames.next(), Ok(None));
        frames.add(&[0xFF, 1]);
        assert_eq!(frames.next(), Err(FrameError::Length));
        let mut frames = Frames::new(100);
        frames.add(&[0x30, 99]);
        assert_eq!(frames.next(), Err(FrameError::TooLong(101)));
    }

    proptest! {
        /// However the stream is cut into pieces, the same packets come out, byte for byte.
        #[test]
        fn packets_survive_any_cut(
            packets in proptest::collection::vec((1..16u8, proptest::collection::vec(any::<u8>(), 0..400)), 0..12),
            cuts in proptest::collection::vec(1..200usize, 1..40),
        ) {
            let packets: Vec<Frame> = packets.iter().map(|(kind, body)| made(kind << 4, body)).collect();
            let stream: Vec<u8> = packets.iter().flat_map(|packet| packet.bytes.clone()).collect();
            let (mut frames, mut found, mut rest) = (Frames::new(1 << 20), Vec::new(), &stream[..]);
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                frames.add(piece);
                while let Some(frame) = frames.next().unwrap() {
                    found.push(frame);
                }
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, packets);
        }

        #[test]
        fn a_publish_says_its_topic_and_number(topic in "[a-z/]{0,40}", qos in 0..3u8, id in 1..u16::MAX, payload in
            proptest::collection::vec(any::<u8>(), 0..50)) {
            let mut body = (topic.len() as u16).to_be_bytes().to_vec();
            body.extend(topic.as_bytes());
            if qos > 0 {
                body.extend(id.to_be_bytes());
            }
            body.push(0);
            body.extend(&payload);
            let frame = made(0x30 | qos << 1, &body);
            let packet_id = (qos > 0).then_some(id);
            prop_assert_eq!(frame.publish(), Some(Publish { topic: &topic, packet_id, qos }));
            let again = frame.renumbered(id ^ 1);
            let packet_id = (qos > 0).then_some(id ^ 1);
            prop_assert_eq!(again.publish(), Some(Publish { topic: &topic, packet_id, qos }));
            prop_assert_eq!(again.renumbered(id), frame);
            let made = whole(&super::publish(&topic, &payload));
            prop_assert_eq!(made.publish(), Some(Publish { topic: &topic, packet_id: None, qos: 0 }));
            prop_assert_eq!(whole(&puback(id, 0x97)).acknowledged(), Some(id));
        }

        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut frames = Frames::new(200);
            frames.add(&bytes);
            while let Ok(Some(frame)) = frames.next() {
                prop_assert!(frame.len() <= 200);
                frame.publish();
                frame.acknowledged();
                frame.renumbered(7);
                if let Some(greeting) = frame.greeting(true, Some(9)) {
                    prop_assert_eq!(whole(&greeting.bytes).greeting(true, Some(9)), Some(greeting));
                }
            }
        }
    }
}
