// A file of the system behind typed errors: the only place in this room that opens, reads, writes or closes one.
//
// Invariants
// 1. A short transfer is continued until everything moved or a call failed; EINTR is never seen above.
// 2. Every error names the operation, the offset and the system's number.

import CSystem
import Primitives

/// An open file, closed with its last reference.
final class SystemFile: @unchecked Sendable {
  // Sendable: positional calls share no offset, and the descriptor never changes.

  let path: String
  let descriptor: Int32

  /// Opens `path` with flags of `BETULA_OPEN_…`.
  init(path: String, flags: Int) throws(StorageError) {
    self.path = path
    descriptor = betula_open(path, Int32(flags))
    if descriptor < 0 { throw Self.failure("open", 0, 0, -descriptor, "of \(path)") }
  }

  // A failed close of a file that was synced loses nothing, and there is nobody left to tell.
  deinit { _ = betula_close(descriptor) }

  static func failure(
    _ operation: String, _ offset: UInt64, _ byteCount: Int, _ number: Int32, _ detail: String = ""
  ) -> StorageError {
    var text = [CChar](repeating: 0, count: 256)
    betula_error_text(number, &text, text.count)
    let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let sentence = String(decoding: bytes, as: UTF8.self)
    return .deviceFailed(
      operation: operation, offset: offset, byteCount: byteCount, errno: number,
      reason: detail.isEmpty ? sentence : "\(sentence), \(detail)")
  }

  static func check(
    _ result: Int32, _ operation: String, _ offset: UInt64 = 0, _ byteCount: Int = 0
  ) throws(StorageError) {
    if result < 0 { throw failure(operation, offset, byteCount, -result) }
  }

  /// Moves all bytes of `segments`, advancing them as far as they got.
  ///
  /// - Returns: 0 or the system's error number; -1 when a read met the end of the file.
  func transfer(
    isWrite: Bool, _ segments: UnsafeMutableBufferPointer<betula_segment>, at firstOffset: UInt64
  ) -> Int32 {
    guard let base = segments.baseAddress, segments.count > 0 else { return 0 }
    let count = Int32(min(segments.count, BETULA_SEGMENT_LIMIT))
    let moved: Int64 =
      isWrite
      ? betula_pwritev(descriptor, base, count, firstOffset)
      : betula_preadv(descriptor, base, count, firstOffset)
    return finish(isWrite: isWrite, segments, at: firstOffset, moved: moved)
  }

  /// Goes on where a call ended that moved `moved` bytes of `segments`, or failed with the negated number.
  ///
  /// - Returns: as `transfer`.
  func finish(
    isWrite: Bool, _ segments: UnsafeMutableBufferPointer<betula_segment>, at firstOffset: UInt64,
    moved: Int64
  ) -> Int32 {
    // Calls that a signal interrupted, that the system had no room for, or that went with the thread that made them, are made
    // again.
    if moved < 0, -moved != Self.interrupted, -moved != Self.tryAgain, -moved != Self.cancelled {
      return Int32(truncatingIfNeeded: -moved)
    }
    if moved == 0 { return -1 }
    var rest = Int(max(0, moved))
    let offset = firstOffset + UInt64(rest)
    var position = 0
    while rest > 0 && position < segments.count {
      if rest >= segments[position].byte_count {
        rest -= segments[position].byte_count
        position += 1
      } else {
        segments[position].base += rest
        segments[position].byte_count -= rest
        rest = 0
      }
    }
    if position == segments.count { return 0 }
    return transfer(
      isWrite: isWrite, UnsafeMutableBufferPointer(rebasing: segments[position...]), at: offset)
  }

  // EINTR, EAGAIN and ECANCELED.
  private static let interrupted: Int64 = 4
  private static let tryAgain: Int64 = 11
  private static let cancelled: Int64 = 125

  /// Moves one range.
  func transfer(
    isWrite: Bool, _ pointer: UnsafeMutableRawPointer, byteCount: Int, at offset: UInt64
  ) throws(StorageError) {
    var segment = betula_segment(base: pointer, byte_count: byteCount)
    let number = withUnsafeMutablePointer(to: &segment) {
      transfer(isWrite: isWrite, UnsafeMutableBufferPointer(start: $0, count: 1), at: offset)
    }
    if number != 0 { throw Self.transferFailure(isWrite: isWrite, offset, byteCount, number) }
  }

  static func transferFailure(
    isWrite: Bool, _ offset: UInt64, _ byteCount: Int, _ number: Int32
  ) -> StorageError {
    let operation = isWrite ? "write" : "read"
    if number > 0 { return failure(operation, offset, byteCount, number) }
    return .deviceFailed(
      operation: operation, offset: offset, byteCount: byteCount, errno: 0,
      reason: isWrite ? "the system wrote nothing" : "the file ends before the range does")
  }

  /// The file's size in bytes.
  func byteCount() throws(StorageError) -> UInt64 {
    let result = betula_file_byte_count(descriptor)
    if result < 0 { throw Self.failure("size", 0, 0, Int32(truncatingIfNeeded: -result)) }
    return UInt64(result)
  }
}
