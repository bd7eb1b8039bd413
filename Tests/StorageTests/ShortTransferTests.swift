// Goal: a transfer that the system cut short is continued until every byte moved, wherever it was cut and however the bytes were
// divided; an interrupted one is made again; a failed one says its number, and one that moved nothing says that.
// Method: a file of the system; `SystemFile.finish` is told that a call ended after so many bytes, for every number of them, and the file,
// or the memory, is compared byte by byte.

import CSystem
import Primitives
import Testing

@testable import Storage

@Suite struct ShortTransferTests {
  private static let lengths = [1, 5, 16, 3]
  private static let offset: UInt64 = 100

  /// Runs `body` with segments of these lengths in one piece of memory.
  private func withSegments(
    _ bytes: inout [UInt8], _ body: (UnsafeMutableBufferPointer<betula_segment>) -> Void
  ) {
    bytes.withUnsafeMutableBytes { memory in
      guard let base = memory.baseAddress else { return }
      var segments: [betula_segment] = []
      var start = 0
      for length in Self.lengths {
        segments.append(betula_segment(base: base + start, byte_count: length))
        start += length
      }
      segments.withUnsafeMutableBufferPointer { body($0) }
    }
  }

  private func file() throws -> (SystemFile, String) {
    let path = TemporaryFile.path("short")
    let flags = BETULA_OPEN_WRITE | BETULA_OPEN_CREATE
    return (try SystemFile(path: path, flags: flags), path)
  }

  @Test func aShortWriteIsContinuedWhereItEnded() throws {
    let total = Self.lengths.reduce(0, +)
    for moved in 1...total {
      let (file, path) = try file()
      defer { TemporaryFile.remove(path) }
      // The whole range exists, with other bytes.
      var old = [UInt8](repeating: 9, count: 200)
      try old.withUnsafeMutableBytes {
        if let base = $0.baseAddress { try file.transfer(isWrite: true, base, byteCount: 200, at: 0) }
      }
      var bytes = (1...UInt8(total)).map { $0 }
      var number: Int32 = 99
      withSegments(&bytes) {
        number = file.finish(isWrite: true, $0, at: Self.offset, moved: Int64(moved))
      }
      #expect(number == 0)
      // What was said to have moved is not written again; everything behind it is, and nothing else.
      var found = [UInt8](repeating: 0, count: 200)
      try found.withUnsafeMutableBytes {
        if let base = $0.baseAddress { try file.transfer(isWrite: false, base, byteCount: 200, at: 0) }
      }
      var expected = old
      for index in moved..<total { expected[Int(Self.offset) + index] = bytes[index] }
      #expect(found == expected, "cut after \(moved) bytes")
    }
  }

  @Test func aShortReadIsContinuedWhereItEnded() throws {
    let total = Self.lengths.reduce(0, +)
    let (file, path) = try file()
    defer { TemporaryFile.remove(path) }
    var content = (0..<200).map { UInt8($0) }
    try content.withUnsafeMutableBytes {
      if let base = $0.baseAddress { try file.transfer(isWrite: true, base, byteCount: 200, at: 0) }
    }
    for moved in 1...total {
      var bytes = [UInt8](repeating: 255, count: total)
      var number: Int32 = 99
      withSegments(&bytes) {
        number = file.finish(isWrite: false, $0, at: Self.offset, moved: Int64(moved))
      }
      #expect(number == 0)
      let expected = (0..<total).map { $0 < moved ? 255 : UInt8(Int(Self.offset) + $0) }
      #expect(bytes == expected, "cut after \(moved) bytes")
    }
    // Behind the file's end a read moves nothing more: that is an error, not a short answer.
    var bytes = [UInt8](repeating: 255, count: total)
    withSegments(&bytes) {
      #expect(file.finish(isWrite: false, $0, at: 200 - 4, moved: 4) == -1)
    }
  }

  /// EINTR, EAGAIN and ECANCELED moved nothing: the whole transfer is made again. Other numbers come back, and so does nothing.
  @Test func anInterruptedTransferIsMadeAgainAndAFailedOneIsNot() throws {
    let total = Self.lengths.reduce(0, +)
    let (file, path) = try file()
    defer { TemporaryFile.remove(path) }
    for (place, number) in [4, 11, 125].enumerated() {
      var bytes = [UInt8](repeating: UInt8(place + 1), count: total)
      withSegments(&bytes) {
        #expect(file.finish(isWrite: true, $0, at: 0, moved: Int64(-number)) == 0)
      }
      var found = [UInt8](repeating: 0, count: total)
      try found.withUnsafeMutableBytes {
        if let base = $0.baseAddress { try file.transfer(isWrite: false, base, byteCount: total, at: 0) }
      }
      #expect(found == bytes, "error \(number)")
    }
    var bytes = [UInt8](repeating: 0, count: total)
    for number in [5, 28] as [Int32] {
      withSegments(&bytes) {
        #expect(file.finish(isWrite: true, $0, at: 0, moved: Int64(-number)) == number)
      }
    }
    withSegments(&bytes) { #expect(file.finish(isWrite: true, $0, at: 0, moved: 0) == -1) }
    #expect("\(SystemFile.transferFailure(isWrite: true, 7, 3, -1))".contains("the system wrote nothing"))
  }
}
