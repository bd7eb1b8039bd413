// SQLite's randomness, made a function of the engine's seed. SQLite has one generator per process, seeded from the
// default VFS; so ours is the default VFS, and whoever is about to let SQLite draw (salts of a log, nonces of a
// journal) resets the generator under one lock and names the seed.
//
// Invariants
// 1. Between reset and the end of the locked work nobody else makes SQLite draw, so the bytes are a function of
//    (seed, stream, counter), whatever other engines of the process do.

import CSQLite
import Primitives
import Synchronization

/// Where the next seed of SQLite's generator comes from.
struct GuestRandomness {
  private let random: CounterRandom
  private var counter: UInt64 = 0

  /// - Parameter opening: differs between two openings of the same database, so that salts do not come back.
  init(seed: UInt64, opening: UInt64) {
    random = CounterRandom(seed: seed, stream: 0x5351_4C69_7465 &+ opening &* 0x1_0000_0001)
  }

  mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    counter &+= 1
    for index in bytes.indices {
      bytes[index] = UInt8(
        truncatingIfNeeded: random.draw(counter, UInt64(index / 8)) >> UInt64(index % 8 * 8))
    }
  }
}

/// The process-wide turn at SQLite's generator.
enum RandomnessTurn {
  private static let turn = Mutex<Void>(())
  // Written only while `turn` is held; read by the callback, which SQLite calls on the thread that holds it.
  nonisolated(unsafe) private static var current: GuestRandomness?

  /// Runs `body` while SQLite's generator is seeded from `source`.
  static func with<Failure: Error>(
    _ source: inout GuestRandomness, _ body: () throws(Failure) -> Void
  ) throws(Failure) {
    _ = isRegistered
    try turn.withLock { _ throws(Failure) in
      sqlite3_randomness(0, nil)
      current = source
      defer {
        source = current ?? source
        current = nil
      }
      try body()
    }
  }

  /// The default VFS: it seeds the generator and opens nothing.
  private static let isRegistered: Bool = {
    sqlite3_initialize()
    let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    vfs.initialize(to: sqlite3_vfs())
    vfs.pointee.iVersion = 1
    vfs.pointee.szOsFile = Int32(MemoryLayout<betula_guest_file>.size)
    vfs.pointee.mxPathname = 512
    vfs.pointee.zName = UnsafePointer(copiedText("betula"))
    vfs.pointee.xOpen = { _, _, file, _, _ in
      file?.pointee.pMethods = nil
      return SQLITE_CANTOPEN
    }
    vfs.pointee.xDelete = { _, _, _ in SQLITE_IOERR }
    vfs.pointee.xAccess = { _, _, _, answer in
      answer?.pointee = 0
      return SQLITE_OK
    }
    vfs.pointee.xFullPathname = guestFullPathname
    vfs.pointee.xRandomness = { _, count, bytes in
      guard let bytes, count > 0 else { return 0 }
      let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: Int(count))
      if current == nil {
        // Nobody's turn: a read that drew, whose bytes reach no file.
        buffer.initializeMemory(as: UInt8.self, repeating: 0x5A)
      } else {
        current?.fill(buffer)
      }
      return count
    }
    vfs.pointee.xSleep = { _, microseconds in microseconds }
    vfs.pointee.xCurrentTime = guestCurrentTime
    vfs.pointee.xGetLastError = { _, _, _ in 0 }
    return sqlite3_vfs_register(vfs, 1) == SQLITE_OK
  }()
}

/// The only instant there is, as a Julian day number: 2000-01-01 12:00.
let guestCurrentTime:
  @convention(c) (UnsafeMutablePointer<sqlite3_vfs>?, UnsafeMutablePointer<Double>?) -> Int32 =
    { _, time in
      time?.pointee = 2_451_545.0
      return SQLITE_OK
    }

/// Names are already full.
let guestFullPathname:
  @convention(c) (
    UnsafeMutablePointer<sqlite3_vfs>?, UnsafePointer<CChar>?, Int32, UnsafeMutablePointer<CChar>?
  )
    -> Int32 = { _, name, capacity, result in
      guard let name, let result else { return SQLITE_CANTOPEN }
      var index = 0
      while index < Int(capacity) {
        result[index] = name[index]
        if name[index] == 0 { return SQLITE_OK }
        index += 1
      }
      return SQLITE_CANTOPEN
    }

/// A C string that lives as long as the process or until it is deallocated.
func copiedText(_ text: String) -> UnsafeMutablePointer<CChar> {
  let utf8 = text.utf8CString
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: utf8.count)
  for (index, byte) in utf8.enumerated() { (copy + index).initialize(to: byte) }
  return copy
}
