// Bytes of a key or value that lie somewhere, as engines pass them on hot paths: a pointer that is never nil and a count.
//
// Invariant: whoever passes them keeps the memory alive; an empty one has an address that is never read.

/// Bytes of a key or value that lie somewhere; never nil, so that no unwrapping is needed on the way.
@frozen public struct Bytes {
  /// The first byte; meaningless when there is none.
  public var start: UnsafeRawPointer
  /// How many bytes.
  public var count: Int

  /// `count` bytes from `start` on.
  @inlinable @inline(__always) public init(_ start: UnsafeRawPointer, _ count: Int) {
    self.start = start
    self.count = count
  }

  /// The bytes of a buffer. An empty one gets an address that is never read.
  @inlinable @inline(__always) public init(_ buffer: UnsafeRawBufferPointer) {
    start = buffer.baseAddress ?? Self.nowhere
    count = buffer.count
  }

  /// No bytes.
  @inlinable public static var empty: Bytes { Bytes(nowhere, 0) }

  // Never read: it stands for zero bytes.
  @inlinable @inline(__always) static var nowhere: UnsafeRawPointer {
    UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
  }

  /// The same bytes as a buffer.
  @inlinable @inline(__always) public var buffer: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Negative, 0 or positive as these bytes sort before, with or after others.
  @inlinable @inline(__always) public func compare(_ other: Bytes) -> Int {
    compareKeys(start, count, other.start, other.count)
  }

  /// The first eight bytes as a number (`keyHead`).
  @inlinable @inline(__always) public var head: UInt64 { keyHead(start, count) }

  /// Copies the bytes to `target`.
  @inlinable @inline(__always) public func copy(to target: UnsafeMutableRawPointer) {
    if count > 0 { target.copyMemory(from: start, byteCount: count) }
  }
}
