//! As much of the packet format of MQTT 5.0 (sections 2 and 3) as a scripted broker needs.

use std::io;

use crate::mqtt::Message;

/// A packet of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// The first packet.
    Connect(Connect),
    /// A message; with QoS 1 it has a packet identifier.
    Publish {
        /// `None` for QoS 0.
        packet_id: Option<u16>,
        /// Sent before on this session.
        duplicate: bool,
        /// Topic, content, retain flag.
        message: Message,
    },
    /// The acknowledgement of a message.
    PubAck {
        /// Of that message.
        packet_id: u16,
    },
    /// Topic filters to subscribe to.
    Subscribe {
        /// To be repeated in the answer.
        packet_id: u16,
        /// The filters, in order.
        filters: Vec<String>,
    },
    /// PINGREQ.
    Ping,
    /// The end with goodbye: the last will is not published.
    Disconnect,
    /// The connection is closed.
    Closed,
}

/// What a client says when it connects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connect {
    /// Its name.
    pub client_id: String,
    /// Whether the session starts anew.
    pub clean_start: bool,
    /// Seconds.
    pub keep_alive: u16,
    /// Seconds, 0 when absent.
    pub session_expiry: u32,
    /// Received messages without acknowledgement that the client takes.
    pub receive_maximum: Option<u32>,
    /// Bytes of the largest packet that the client takes.
    pub max_packet: Option<u32>,
    /// The last will.
    pub will: Option<Message>,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Vec<u8>>,
}

/// The answer to a CONNECT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnAck {
    /// The broker kept the session.
    pub session_present: bool,
    /// 0 is success, from 0x80 a refusal.
    pub code: u8,
    /// Bytes of the largest packet that the broker takes.
    pub max_packet: Option<u32>,
    /// Messages without acknowledgement that the broker takes.
    pub receive_maximum: Option<u16>,
}

pub(super) const PINGRESP: [u8; 2] = [0xD0, 0];

pub(super) fn connack(answer: ConnAck) -> Vec<u8> {
    let mut properties = Vec::new();
    if let Some(size) = answer.max_packet {
        properties.push(0x27);
        properties.extend(size.to_be_bytes());
    }
    if let Some(messages) = answer.receive_maximum {
        properties.push(0x21);
        properties.extend(messages.to_be_bytes());
    }
    let mut body = vec![u8::from(answer.session_present), answer.code];
    body.extend(varint(properties.len()));
    body.extend(properties);
    packet(0x20, &body)
}

pub(super) fn suback(packet_id: u16, codes: &[u8]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    body.push(0);
    body.extend(codes);
    packet(0x90, &body)
}

pub(super) fn puback(packet_id: u16, code: u8) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    body.extend([code, 0]);
    packet(0x40, &body)
}

pub(super) fn publish(message: &Message, packet_id: Option<u16>) -> Vec<u8> {
    let mut body = Vec::new();
    // A topic of a test is shorter than 64 KiB.
    body.extend((message.topic.len() as u16).to_be_bytes());
    body.extend(message.topic.as_bytes());
    body.extend(packet_id.iter().flat_map(|id| id.to_be_bytes()));
    body.push(0);
    body.extend(&message.payload);
    packet(0x30 | u8::from(packet_id.is_some()) << 1 | u8::from(message.retain), &body)
}

pub(super) fn disconnect(code: u8) -> Vec<u8> {
    packet(0xE0, &[code, 0])
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    bytes.extend(varint(body.len()));
    bytes.extend(body);
    bytes
}

fn varint(mut value: usize) -> Vec<u8> {
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

/// Takes the first whole packet out of the buffer, `None` when there is none yet.
pub(super) fn parse(buffer: &mut Vec<u8>) -> io::Result<Option<Packet>> {
    let Some((&first, rest)) = buffer.split_first() else { return Ok(None) };
    let mut reader = Reader(rest);
    let Some(length) = reader.length()? else { return Ok(None) };
    let Some(body) = reader.0.get(..length) else { return Ok(None) };
    let end = buffer.len() - (reader.0.len() - length);
    let packet = body_of(first, Reader(body))?;
    buffer.drain(..end);
    Ok(Some(packet))
}

fn body_of(first: u8, mut body: Reader<'_>) -> io::Result<Packet> {
    match first >> 4 {
        1 => connect(body).map(Packet::Connect),
        3 => {
            let topic = body.string()?;
            let packet_id = if first & 0b110 == 0 { None } else { Some(body.u16()?) };
            body.properties()?;
            let message = Message { topic, payload: body.0.to_vec(), retain: first & 1 != 0 };
            Ok(Packet::Publish { packet_id, duplicate: first & 8 != 0, message })
        }
        4 => Ok(Packet::PubAck { packet_id: body.u16()? }),
        8 => {
            let packet_id = body.u16()?;
            body.properties()?;
            let mut filters = Vec::new();
            while !body.0.is_empty() {
                filters.push(body.string()?);
                body.u8()?;
            }
            Ok(Packet::Subscribe { packet_id, filters })
        }
        12 => Ok(Packet::Ping),
        14 => Ok(Packet::Disconnect),
        other => Err(invalid(format!("packet type {other}"))),
    }
}

fn connect(mut body: Reader<'_>) -> io::Result<Connect> {
    let (name, version) = (body.string()?, body.u8()?);
    if name != "MQTT" || version != 5 {
        return Err(invalid(format!("protocol {name:?} version {version}")));
    }
    let flags = body.u8()?;
    let mut connect = Connect { clean_start: flags & 2 != 0, keep_alive: body.u16()?, ..Connect::default() };
    for (identifier, value) in body.properties()? {
        match identifier {
            0x11 => connect.session_expiry = value,
            0x21 => connect.receive_maximum = Some(value),
            0x27 => connect.max_packet = Some(value),
            _ => {}
        }
    }
    connect.client_id = body.string()?;
    if flags & 4 != 0 {
        body.properties()?;
        let topic = body.string()?;
        connect.will = Some(Message { topic, payload: body.binary()?.to_vec(), retain: flags & 0x20 != 0 });
    }
    if flags & 0x80 != 0 {
        connect.username = Some(body.string()?);
    }
    if flags & 0x40 != 0 {
        connect.password = Some(body.binary()?.to_vec());
    }
    Ok(connect)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or_else(|| invalid("a packet that is too short".into()))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> io::Result<u8> {
        self.number(1).map(|number| number as u8)
    }

    fn u16(&mut self) -> io::Result<u16> {
        self.number(2).map(|number| number as u16)
    }

    /// Big-endian, of up to four bytes.
    fn number(&mut self, bytes: usize) -> io::Result<u32> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// A variable byte integer; `None` when it goes on after the end.
    fn length(&mut self) -> io::Result<Option<usize>> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let Some((&byte, rest)) = self.0.split_first() else { return Ok(None) };
            self.0 = rest;
            value |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(Some(value));
            }
        }
        Err(invalid("a length of more than four bytes".into()))
    }

    fn binary(&mut self) -> io::Result<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }

    fn string(&mut self) -> io::Result<String> {
        String::from_utf8(self.binary()?.to_vec()).map_err(|error| invalid(error.to_string()))
    }

    /// The properties that are numbers (section 2.2.2.2); the others are skipped.
    fn properties(&mut self) -> io::Result<Vec<(u8, u32)>> {
        let length = self.length()?.ok_or_else(|| invalid("properties without length".into()))?;
        let mut inside = Reader(self.take(length)?);
        let mut numbers = Vec::new();
        while !inside.0.is_empty() {
            let identifier = inside.u8()?;
            match identifier {
                0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2A => numbers.push((identifier, inside.number(1)?)),
                0x13 | 0x21 | 0x22 | 0x23 => numbers.push((identifier, inside.number(2)?)),
                0x02 | 0x11 | 0x18 | 0x27 => numbers.push((identifier, inside.number(4)?)),
                0x0B => drop(inside.length()?),
                0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1A | 0x1C | 0x1F => drop(inside.binary()?),
                0x26 => drop((inside.binary()?, inside.binary()?)),
                other => return Err(invalid(format!("property 0x{other:02X}"))),
            }
        }
        Ok(numbers)
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not MQTT 5: {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0u8..16) {
            if let Some(first) = bytes.first_mut() {
                *first = kind << 4 | *first & 0x0F;
            }
            let before = bytes.len();
            match parse(&mut bytes) {
                Ok(Some(_)) => prop_assert!(bytes.len() < before),
                Ok(None) | Err(_) => prop_assert_eq!(bytes.len(), before),
            }
        }

        #[test]
        fn a_message_is_read_back_wherever_it_is_cut(
            topic in "[a-z/]{1,300}", payload in prop::collection::vec(any::<u8>(), 0..200),
            packet_id in prop::option::of(1u16..), retain: bool, cut in 0usize..600,
        ) {
            let message = Message { topic, payload, retain };
            let bytes = publish(&message, packet_id);
            let cut = cut.min(bytes.len() - 1);
            let mut buffer = bytes[..cut].to_vec();
            prop_assert_eq!(parse(&mut buffer).unwrap(), None);
            buffer.extend(&bytes[cut..]);
            let expected = Packet::Publish { packet_id, duplicate: false, message };
            prop_assert_eq!(parse(&mut buffer).unwrap(), Some(expected));
            prop_assert!(buffer.is_empty());
        }
    }
}
