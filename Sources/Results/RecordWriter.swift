// Writes a record so that it is there whole or not at all.
//
//   .NAME.partial-PID/   runs.csv, io.csv, …, then manifest.json     each file synced
//            │ rename (exchange, when NAME exists)
//            ▼
//   NAME/
//
// Invariants
// 1. NAME holds the old record or the new one, whole, at every moment, whatever ends the process. (Where the
//    file system cannot exchange two names, NAME may be absent for a moment; `.NAME.replaced-PID` then holds the
//    old record, and the next writer puts it back.)
// 2. What a dead process left beside NAME is removed by the next writer.
// 3. A directory that is not a record is never replaced; files a record did not write are carried over, except
//    figures and reports, which are made again from the record.

import Accounting
import Foundation

/// Writes a record into one directory.
public struct RecordWriter: Sendable {
  /// The directory the record will be at.
  public let directory: String

  private let parent: String
  private let name: String
  private var partialPrefix: String { ".\(name).partial-" }
  private var replacedPrefix: String { ".\(name).replaced-" }

  /// A writer for `directory`, which need not exist; its parents are made when it writes.
  public init(directory: String) {
    let url = URL(fileURLWithPath: directory).standardizedFileURL
    self.directory = url.path
    parent = url.deletingLastPathComponent().path
    name = url.lastPathComponent
  }

  /// Names a record's files can have, besides `figures/`; anything else in its directory is a stranger's.
  static let ownNames: Set<String> = Set(
    RecordTable.allCases.map(\.fileName) + [Manifest.fileName, "figures", "report.html"])

  /// Writes `record` and gives back its manifest with the outputs filled in. Replaces a record that is there.
  ///
  /// - Parameters:
  ///   - record: the rows and the manifest; its `outputs` are ignored.
  ///   - afterFile: called after each file, before the next; what it throws ends the writing as a crash would,
  ///     except that the partial directory is removed.
  /// - Throws: `.unusable` when the file system refuses, or when the directory holds something else.
  @discardableResult
  public func write(
    _ record: Record, afterFile: (String) throws(RecordError) -> Void = { _ in }
  ) throws(RecordError) -> Manifest {
    try write(RecordText(record), afterFile: afterFile)
  }

  /// Writes a record whose tables are texts already; as `write(_:afterFile:)` of a record in memory.
  @discardableResult
  public func write(
    _ record: RecordText, afterFile: (String) throws(RecordError) -> Void = { _ in }
  ) throws(RecordError) -> Manifest {
    try makeDirectory(parent)
    try cleanUp()
    try refuseStrangers()
    let partial = parent + "/" + partialPrefix + String(ProcessInfo.processInfo.processIdentifier)
    try makeDirectory(partial)
    do {
      let manifest = try fill(partial, record, afterFile)
      try carryOver(to: partial)
      try synchronize(partial)
      try publish(partial)
      return manifest
    } catch {
      // The first error is the one to tell; what cannot be removed now is removed by the next writer.
      try? FileManager.default.removeItem(atPath: partial)
      throw error
    }
  }

  private func fill(
    _ partial: String, _ record: RecordText, _ afterFile: (String) throws(RecordError) -> Void
  ) throws(RecordError) -> Manifest {
    var manifest = record.manifest
    manifest.outputs = []
    for (table, bytes) in record.tables {
      try writeFile(partial + "/" + table.fileName, bytes)
      manifest.outputs.append(
        Manifest.Output(
          file: table.fileName, byteCount: bytes.count, sha256: SHA256.hexadecimal(bytes),
          isClockDependent: table.isClockDependent))
      try afterFile(table.fileName)
    }
    let bytes: [UInt8]
    do {
      bytes = try manifest.encoded()
    } catch {
      throw .badManifest(file: Manifest.fileName, reason: "\(error)")
    }
    try writeFile(partial + "/" + Manifest.fileName, bytes)
    try afterFile(Manifest.fileName)
    return manifest
  }

  /// Removes what dead writers left and puts back a record whose replacement was cut short. Writing begins with it.
  public func cleanUp() throws(RecordError) {
    guard FileManager.default.fileExists(atPath: parent) else { return }
    for entry in try entries(of: parent) {
      let path = parent + "/" + entry
      if entry.hasPrefix(replacedPrefix), isDeadProcess(entry.dropFirst(replacedPrefix.count)) {
        if FileManager.default.fileExists(atPath: directory) {
          try remove(path)
        } else {
          try move(path, directory)
        }
      } else if entry.hasPrefix(partialPrefix), isDeadProcess(entry.dropFirst(partialPrefix.count)) {
        try remove(path)
      }
    }
  }

  /// Holds that the directory can take a record: it does not exist, is empty, or holds a record. Called before a
  /// long run, so that it is not refused after it.
  ///
  /// - Throws: `.unusable` with the reason.
  public func refuseStrangers() throws(RecordError) {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) else { return }
    guard isDirectory.boolValue else { throw .unusable(path: directory, reason: "is a file, not a record") }
    let found = try entries(of: directory)
    if !found.isEmpty && !found.contains(Manifest.fileName) {
      throw .unusable(
        path: directory,
        reason: "is not empty and holds no \(Manifest.fileName); a record would replace what is there")
    }
  }

  /// Copies files that no record writes (a README, for example) from the record being replaced.
  private func carryOver(to partial: String) throws(RecordError) {
    guard FileManager.default.fileExists(atPath: directory) else { return }
    for entry in try entries(of: directory) where !Self.ownNames.contains(entry) {
      do {
        try FileManager.default.copyItem(atPath: directory + "/" + entry, toPath: partial + "/" + entry)
      } catch {
        throw .unusable(path: directory + "/" + entry, reason: "cannot be carried over: \(error)")
      }
    }
  }

  private func publish(_ partial: String) throws(RecordError) {
    if !FileManager.default.fileExists(atPath: directory) {
      try move(partial, directory)
    } else if exchangeNames(partial, directory) {
      try remove(partial)
    } else {
      let replaced = parent + "/" + replacedPrefix + String(ProcessInfo.processInfo.processIdentifier)
      try move(directory, replaced)
      try move(partial, directory)
      try remove(replaced)
    }
    try synchronize(parent)
  }

  private func makeDirectory(_ path: String) throws(RecordError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .unusable(path: path, reason: "cannot be made: \(error)")
    }
  }

  private func entries(of path: String) throws(RecordError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      throw .unusable(path: path, reason: "cannot be listed: \(error)")
    }
  }

  private func remove(_ path: String) throws(RecordError) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw .unusable(path: path, reason: "cannot be removed: \(error)")
    }
  }

  private func move(_ from: String, _ to: String) throws(RecordError) {
    guard rename(from, to) == 0 else {
      throw .unusable(path: to, reason: "cannot be renamed from \(from): errno \(errno)")
    }
  }

  private func writeFile(_ path: String, _ bytes: [UInt8]) throws(RecordError) {
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
    } catch {
      throw .unusable(path: path, reason: "cannot be written: \(error)")
    }
    try synchronize(path)
  }

  private func synchronize(_ path: String) throws(RecordError) {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw .unusable(path: path, reason: "cannot be opened: errno \(errno)") }
    let result = fsync(descriptor)
    let number = errno
    close(descriptor)
    guard result == 0 else { throw .unusable(path: path, reason: "cannot be synced: errno \(number)") }
  }
}

/// Exchanges two names in one step, where the system and the file system can.
///
/// - Returns: false, and nothing changed, where they cannot.
private func exchangeNames(_ first: String, _ second: String) -> Bool {
  typealias Exchange =
    @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
  // The C library's header hides this call behind a feature macro, so it is looked up by name. The type is the
  // one its manual page states (renameat2(2)).
  guard let symbol = dlsym(nil, "renameat2") else { return false }
  let exchange = unsafeBitCast(symbol, to: Exchange.self)
  let exchangeFlag: UInt32 = 2
  return exchange(AT_FDCWD, first, AT_FDCWD, second, exchangeFlag) == 0
}
