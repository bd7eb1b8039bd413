// Goal: the system shim does what its header says and reports every failure as a negated errno.
// Method: one temporary file through every call; errors provoked; counters that must move do.

import CSystem
import Foundation
import Testing

@testable import Primitives

@Suite struct SystemTests {
  func withTemporaryPath(_ body: (String) throws -> Void) rethrows {
    let path = NSTemporaryDirectory() + "/betula-system-\(UUID().uuidString)"
    defer { _ = betula_unlink(path) }
    try body(path)
  }

  func transfer(
    _ call: (Int32, UnsafePointer<betula_segment>, Int32, UInt64) -> Int64, _ descriptor: Int32,
    _ parts: [[UInt8]],
    at offset: UInt64
  ) -> (Int64, [[UInt8]]) {
    let buffers = parts.map { part in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: part.count, alignment: 4_096)
      buffer.copyBytes(from: part)
      return buffer
    }
    defer { buffers.forEach { $0.deallocate() } }
    let segments = buffers.map { betula_segment(base: $0.baseAddress, byte_count: $0.count) }
    let result = call(descriptor, segments, Int32(segments.count), offset)
    return (result, buffers.map { Array($0) })
  }

  @Test func fileCallsRoundTrip() {
    withTemporaryPath { path in
      #expect(betula_open(path, 0) == -ENOENT)
      let flags = Int32(BETULA_OPEN_WRITE | BETULA_OPEN_CREATE | BETULA_OPEN_EXCLUSIVE)
      let descriptor = betula_open(path, flags)
      #expect(descriptor >= 0)
      #expect(betula_open(path, flags) == -EEXIST)
      #expect(betula_truncate(descriptor, 64 << 10) == 0)
      #expect(betula_file_byte_count(descriptor) == 64 << 10)
      let first = [UInt8](repeating: 1, count: 4_096)
      let second = [UInt8](repeating: 2, count: 8_192)
      #expect(transfer(betula_pwritev, descriptor, [first, second], at: 8_192).0 == 12_288)
      #expect(betula_fdatasync(descriptor) == 0 && betula_fsync(descriptor) == 0)
      let empty = [UInt8](repeating: 9, count: 4_096)
      let read = transfer(betula_preadv, descriptor, [empty, empty, empty], at: 8_192)
      #expect(read.0 == 12_288)
      #expect(read.1 == [first, Array(second[..<4_096]), Array(second[4_096...])])
      // Beyond the end: short, then nothing.
      #expect(transfer(betula_preadv, descriptor, [empty, empty], at: 60 << 10).0 == 4_096)
      #expect(transfer(betula_preadv, descriptor, [empty], at: 64 << 10).0 == 0)
      // Optional calls of the file system.
      let hole = betula_punch_hole(descriptor, 8_192, 4_096)
      #expect(hole == 0 || hole == -EOPNOTSUPP)
      if hole == 0 {
        #expect(transfer(betula_preadv, descriptor, [empty], at: 8_192).1[0].allSatisfy { $0 == 0 })
      }
      let reserved = betula_preallocate(descriptor, 0, 1 << 20)
      #expect(reserved == 0 || reserved == -EOPNOTSUPP)
      if reserved == 0 {
        #expect(betula_file_byte_count(descriptor) == 1 << 20)
        #expect(betula_file_allocated_byte_count(descriptor) >= 1 << 20)
      }
      #expect(betula_drop_page_cache(descriptor) == 0)
      #expect(betula_close(descriptor) == 0)
      #expect(betula_close(descriptor) == -EBADF)
      #expect(transfer(betula_preadv, descriptor, [empty], at: 0).0 == Int64(-EBADF))
      #expect(betula_sync_directory(NSTemporaryDirectory()) == 0)
      #expect(betula_unlink(path) == 0)
      #expect(betula_unlink(path) == -ENOENT)
    }
  }

  @Test func directFilesAreWrittenAndReadOrRefused() {
    withTemporaryPath { path in
      let flags = Int32(BETULA_OPEN_WRITE | BETULA_OPEN_CREATE | BETULA_OPEN_DIRECT)
      let descriptor = betula_open(path, flags)
      // Memory file systems may refuse O_DIRECT.
      guard descriptor >= 0 else {
        #expect(descriptor == -EINVAL)
        return
      }
      let page = [UInt8](repeating: 3, count: 4_096)
      #expect(transfer(betula_pwritev, descriptor, [page], at: 4_096).0 == 4_096)
      #expect(transfer(betula_preadv, descriptor, [page, page], at: 0).1[1] == page)
      #expect(betula_close(descriptor) == 0)
    }
  }

  @Test func errorsHaveSentences() {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
      guard let base = text.baseAddress else { return }
      betula_error_text(ENOSPC, base, text.count)
      #expect(String(cString: base).contains("space"))
      betula_error_text(ENOSPC, base, 4)
      #expect(String(cString: base).count == 3)
    }
  }

  @Test func clocksAndCountersMove() {
    let start = betula_monotonic_nanoseconds()
    let cpu = betula_process_cpu_times()
    var sum: UInt64 = 0
    while betula_monotonic_nanoseconds() - start < 30_000_000 { sum &+= 1 }
    #expect(sum > 0)
    let later = betula_process_cpu_times()
    #expect(later.user_nanoseconds + later.system_nanoseconds > cpu.user_nanoseconds + cpu.system_nanoseconds)
    #expect(
      betula_thread_cpu_times().user_nanoseconds <= betula_process_cpu_times().user_nanoseconds + 10_000_000)
    #expect(betula_peak_resident_byte_count() > 1 << 20)
    var io = betula_process_io()
    let result = betula_process_io(&io)
    if result == 0 { #expect(io.rchar > 0 && io.syscr > 0) } else { #expect(result < 0) }
    #expect([0, 1].contains(betula_is_terminal(0)))
    #expect(betula_is_terminal(-1) == 0)
  }

  @Test func interruptsAreCounted() {
    #expect(betula_catch_interrupts() == 0)
    let before = betula_interrupt_count()
    // Test threads block signals; this one must not for the moment.
    var signals = sigset_t()
    var earlier = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &signals, &earlier)
    raise(SIGTERM)
    pthread_sigmask(SIG_SETMASK, &earlier, nil)
    #expect(betula_interrupt_count() == before + 1)
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
  }

  @Test func mappingsAreAlignedToHugePages() {
    for byteCount in [1, 4_096, 2 << 20, (2 << 20) + 5] {
      let base = betula_map(byteCount, 2 << 20, 1)
      #expect(base != nil && UInt(bitPattern: base) % (2 << 20) == 0)
      if let base {
        base.storeBytes(of: 1, toByteOffset: byteCount - 1, as: UInt8.self)
        #expect(betula_unmap(base, byteCount) == 0)
      }
    }
    #expect(betula_map(0, 4_096, 0) == nil)
    #expect(betula_map(Int.max, 4_096, 0) == nil)
  }
}
