// SQLite's VFS over a file space: one registered VFS per engine, whose application pointer leads to the engine's
// files, so that no callback looks anything up.
//
//   sqlite3_vfs.pAppData ─▶ GuestFiles ─▶ FileSpace ─▶ channel ─▶ device
//   betula_guest_file { methods, guest, file, role }
//
// Invariants
// 1. The first error of the file space is kept whole; SQLite sees a code, the engine throws the error.
// 2. Locks are granted always: a file space has one guest with one connection.
// 3. A read or write allocates nothing.

import Accounting
import CSQLite
import Primitives
import Storage
import Synchronization

/// The files of one SQLite connection.
final class GuestFiles {
  let space: FileSpace
  let isPowersafeOverwrite: Bool
  var classifier: GuestClassifier
  /// The first error since it was last taken.
  private(set) var error: StorageError?
  /// The name the VFS is registered under.
  let vfsName: String

  private let vfs: UnsafeMutablePointer<sqlite3_vfs>
  private let name: UnsafeMutablePointer<CChar>
  private var readRole = GuestRole.other
  private static let lastNumber = Atomic<UInt64>(0)

  init(space: FileSpace, pageByteCount: Int, isPowersafeOverwrite: Bool) {
    self.space = space
    self.isPowersafeOverwrite = isPowersafeOverwrite
    classifier = GuestClassifier(pageByteCount: pageByteCount)
    let number = Self.lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
    vfsName = "betula-\(number)"
    name = copiedText(vfsName)
    vfs = .allocate(capacity: 1)
    vfs.initialize(to: sqlite3_vfs())
    vfs.pointee.iVersion = 1
    vfs.pointee.szOsFile = Int32(MemoryLayout<betula_guest_file>.size)
    vfs.pointee.mxPathname = 512
    vfs.pointee.zName = UnsafePointer(name)
    vfs.pointee.pAppData = Unmanaged.passUnretained(self).toOpaque()
    vfs.pointee.xOpen = { vfs, name, file, flags, outFlags in
      GuestFiles.open(vfs, name, file, flags, outFlags)
    }
    vfs.pointee.xDelete = { vfs, name, syncsDirectory in GuestFiles.delete(vfs, name, syncsDirectory) }
    vfs.pointee.xAccess = { vfs, name, _, answer in GuestFiles.access(vfs, name, answer) }
    vfs.pointee.xFullPathname = guestFullPathname
    vfs.pointee.xRandomness = { _, count, bytes in
      guard let bytes, count > 0 else { return 0 }
      sqlite3_randomness(count, bytes)
      return count
    }
    vfs.pointee.xSleep = { _, microseconds in microseconds }
    vfs.pointee.xCurrentTime = guestCurrentTime
    vfs.pointee.xGetLastError = { _, _, _ in 0 }
    sqlite3_vfs_register(vfs, 0)
    space.readClassifier = { [unowned self] _, offset, bytes in
      classifier.attribution(readRole, offset, bytes, isWrite: false)
    }
  }

  deinit {
    space.readClassifier = nil
    sqlite3_vfs_unregister(vfs)
    vfs.deallocate()
    name.deallocate()
  }

  /// Whether an error is kept.
  var hasError: Bool { error != nil }

  /// The error kept, if any, and forgets it.
  func takeError() -> StorageError? {
    defer { error = nil }
    return error
  }

  private func keep(_ new: StorageError, _ code: Int32) -> Int32 {
    if error == nil { error = new }
    if case .noSpace = new { return SQLITE_FULL }
    return code
  }

  // MARK: The VFS

  private static func guest(_ vfs: UnsafeMutablePointer<sqlite3_vfs>?) -> GuestFiles? {
    guard let pointer = vfs?.pointee.pAppData else { return nil }
    return Unmanaged<GuestFiles>.fromOpaque(pointer).takeUnretainedValue()
  }

  private static func open(
    _ vfs: UnsafeMutablePointer<sqlite3_vfs>?, _ name: UnsafePointer<CChar>?,
    _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32, _ outFlags: UnsafeMutablePointer<Int32>?
  ) -> Int32 {
    guard let file, let guest = guest(vfs) else { return SQLITE_CANTOPEN }
    file.pointee.pMethods = nil
    // Temporary files have no name; they are kept in memory (temp_store), so none is asked for.
    guard let name else { return SQLITE_CANTOPEN }
    let role: GuestRole
    if flags & SQLITE_OPEN_MAIN_DB != 0 {
      role = .database
    } else if flags & SQLITE_OPEN_WAL != 0 {
      role = .writeAheadLog
    } else if flags & SQLITE_OPEN_MAIN_JOURNAL != 0 {
      role = .journal
    } else {
      role = .other
    }
    do {
      guard let found = try guest.space.open(String(cString: name), creates: flags & SQLITE_OPEN_CREATE != 0)
      else { return SQLITE_CANTOPEN }
      let own = UnsafeMutableRawPointer(file).assumingMemoryBound(to: betula_guest_file.self)
      own.pointee.guest = vfs?.pointee.pAppData
      own.pointee.file = Unmanaged.passRetained(found).toOpaque()
      own.pointee.role = role.rawValue
      file.pointee.pMethods = UnsafePointer(GuestMethods.table)
      outFlags?.pointee = flags
      if role == .writeAheadLog { guest.classifier.hasWriteAheadLog = true }
      return SQLITE_OK
    } catch {
      return guest.keep(error, SQLITE_CANTOPEN)
    }
  }

  private static func delete(
    _ vfs: UnsafeMutablePointer<sqlite3_vfs>?, _ name: UnsafePointer<CChar>?, _ syncsDirectory: Int32
  ) -> Int32 {
    guard let guest = guest(vfs), let name else { return betula_ioerr_delete }
    do {
      let text = String(cString: name)
      guard try guest.space.exists(text) else { return betula_ioerr_delete_noent }
      try guest.space.delete(text, syncsDirectory: syncsDirectory != 0)
      return SQLITE_OK
    } catch {
      return guest.keep(error, betula_ioerr_delete)
    }
  }

  /// As the unix VFS, an empty file counts as missing.
  private static func access(
    _ vfs: UnsafeMutablePointer<sqlite3_vfs>?, _ name: UnsafePointer<CChar>?,
    _ answer: UnsafeMutablePointer<Int32>?
  ) -> Int32 {
    guard let guest = guest(vfs), let name else { return betula_ioerr_access }
    do {
      let file = try guest.space.open(String(cString: name), creates: false)
      answer?.pointee = (file?.byteCount ?? 0) > 0 ? 1 : 0
      return SQLITE_OK
    } catch {
      return guest.keep(error, betula_ioerr_access)
    }
  }

  // MARK: Files

  fileprivate func close(_ own: UnsafeMutablePointer<betula_guest_file>) -> Int32 {
    if own.pointee.role == GuestRole.writeAheadLog.rawValue { classifier.hasWriteAheadLog = false }
    if let file = own.pointee.file { Unmanaged<SpaceFile>.fromOpaque(file).release() }
    own.pointee.file = nil
    return SQLITE_OK
  }

  fileprivate func read(
    _ file: SpaceFile, _ role: GuestRole, _ bytes: UnsafeMutableRawBufferPointer, _ offset: UInt64
  ) -> Int32 {
    do {
      readRole = role
      let count = try space.read(file, at: offset, into: bytes)
      if role == .database && offset == 0 { noteHeader(UnsafeRawBufferPointer(bytes), count) }
      if count == bytes.count { return SQLITE_OK }
      UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).initializeMemory(as: UInt8.self, repeating: 0)
      return betula_ioerr_short_read
    } catch {
      return keep(error, betula_ioerr_read)
    }
  }

  fileprivate func write(
    _ file: SpaceFile, _ role: GuestRole, _ bytes: UnsafeRawBufferPointer, _ offset: UInt64
  ) -> Int32 {
    do {
      if role == .database && offset == 0 { noteHeader(bytes, bytes.count) }
      try space.write(
        file, at: offset, bytes, classifier.attribution(role, offset, bytes, isWrite: true))
      return SQLITE_OK
    } catch {
      return keep(error, betula_ioerr_write)
    }
  }

  /// The header's page count bounds plausible page numbers; a log may be ahead of it, so it is doubled.
  private func noteHeader(_ bytes: UnsafeRawBufferPointer, _ count: Int) {
    guard count >= 32 else { return }
    let pages = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
    classifier.databasePageCount = max(
      1 << 16, pages.multipliedReportingOverflow(by: 2).overflow ? .max : pages * 2)
  }

  fileprivate func truncate(_ file: SpaceFile, _ byteCount: Int64) -> Int32 {
    do {
      try space.truncate(file, to: UInt64(max(0, byteCount)))
      return SQLITE_OK
    } catch {
      return keep(error, betula_ioerr_truncate)
    }
  }

  fileprivate func sync(_ file: SpaceFile, _ role: GuestRole) -> Int32 {
    do {
      let cause: Cause
      switch role {
      case .database: cause = classifier.hasWriteAheadLog ? .checkpointLeaf : .leaf
      case .writeAheadLog: cause = .walLeaf
      case .journal: cause = .journalPage
      case .other: cause = .guestOther
      }
      try space.sync(file, cause: classifier.override ?? cause)
      return SQLITE_OK
    } catch {
      return keep(error, betula_ioerr_fsync)
    }
  }
}

/// The table of file methods, the same for every file. Version 1: no shared memory, no memory mapping.
private enum GuestMethods {
  // Written once, before the first file is opened.
  nonisolated(unsafe) static let table: UnsafeMutablePointer<sqlite3_io_methods> = {
    let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    table.initialize(to: sqlite3_io_methods())
    table.pointee.iVersion = 1
    table.pointee.xClose = { file in
      let own = GuestMethods.own(file)
      return GuestMethods.guest(own).close(own)
    }
    table.pointee.xRead = { file, bytes, count, offset in
      let own = GuestMethods.own(file)
      return GuestMethods.guest(own).read(
        GuestMethods.file(own), GuestRole(rawValue: own.pointee.role) ?? .other,
        UnsafeMutableRawBufferPointer(start: bytes, count: Int(count)), UInt64(bitPattern: offset))
    }
    table.pointee.xWrite = { file, bytes, count, offset in
      let own = GuestMethods.own(file)
      return GuestMethods.guest(own).write(
        GuestMethods.file(own), GuestRole(rawValue: own.pointee.role) ?? .other,
        UnsafeRawBufferPointer(start: bytes, count: Int(count)), UInt64(bitPattern: offset))
    }
    table.pointee.xTruncate = { file, byteCount in
      let own = GuestMethods.own(file)
      return GuestMethods.guest(own).truncate(GuestMethods.file(own), byteCount)
    }
    table.pointee.xSync = { file, _ in
      let own = GuestMethods.own(file)
      return GuestMethods.guest(own).sync(
        GuestMethods.file(own), GuestRole(rawValue: own.pointee.role) ?? .other)
    }
    table.pointee.xFileSize = { file, byteCount in
      byteCount?.pointee = Int64(GuestMethods.file(GuestMethods.own(file)).byteCount)
      return SQLITE_OK
    }
    table.pointee.xLock = { _, _ in SQLITE_OK }
    table.pointee.xUnlock = { _, _ in SQLITE_OK }
    table.pointee.xCheckReservedLock = { _, answer in
      answer?.pointee = 0
      return SQLITE_OK
    }
    table.pointee.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
    table.pointee.xSectorSize = { _ in Int32(GuestClassifier.sectorByteCount) }
    table.pointee.xDeviceCharacteristics = { file in
      GuestMethods.guest(GuestMethods.own(file)).isPowersafeOverwrite ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0
    }
    return table
  }()

  // SQLite passes what `xOpen` filled, between that and `xClose`.
  static func own(_ file: UnsafeMutablePointer<sqlite3_file>?) -> UnsafeMutablePointer<betula_guest_file> {
    UnsafeMutableRawPointer(file!).assumingMemoryBound(to: betula_guest_file.self)
  }

  static func guest(_ own: UnsafeMutablePointer<betula_guest_file>) -> GuestFiles {
    Unmanaged<GuestFiles>.fromOpaque(own.pointee.guest).takeUnretainedValue()
  }

  static func file(_ own: UnsafeMutablePointer<betula_guest_file>) -> SpaceFile {
    Unmanaged<SpaceFile>.fromOpaque(own.pointee.file).takeUnretainedValue()
  }
}
