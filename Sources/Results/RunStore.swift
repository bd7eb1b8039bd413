// Finished runs, kept one file each under their ids, so that a sweep that was ended in the middle goes on from there.
//
//   FOLDER/STUDY/ID.run                    a valid run is found again by its id
//   FOLDER/STUDY/.ID.partial-PID           being written by process PID; synced, then renamed to ID.run
//
// What makes a stored run count:
//   id          hash of everything the study says about it, the engine's format version included
//   study       its rows name the study
//   schema      of the record's tables
//   checksum    over all of the file
//   build       the program that made it: a changed program may make other numbers
//   status ok   a failed run is tried again
//
// Invariants
// 1. ID.run is absent or whole at every moment, whatever ends the process.
// 2. What cannot be read as a stored run is removed and named in a note; nothing else is ever removed unasked.
// 3. Studies of different names, and plans of one study that differ, share a folder without losing each other's runs.

import Accounting
import Foundation

/// The stored runs of one study.
public struct RunStore: Sendable {
  /// Which stored runs count.
  public enum Reuse: String, CaseIterable, Sendable {
    /// Those this very program made.
    case sameBuild = "same-build"
    /// Those any build made whose record schema is the same.
    case any
    /// None.
    case none
  }

  /// What was found for a list of ids.
  public struct Survey: Equatable, Sendable {
    /// Ids of runs that need not be made again.
    public var valid: Set<String> = []
    /// How many of them another build made.
    public var otherBuildCount = 0
    /// Runs that failed when they were made.
    public var failedCount = 0
    /// Runs of another build, which do not count.
    public var outdatedCount = 0
    /// One sentence for each file that was damaged and removed.
    public var notes: [String] = []

    /// Nothing was found.
    public init() {}
  }

  /// The folder of the study's runs.
  public let directory: String
  /// The study's id.
  public let study: String
  /// What identifies the program.
  public let build: String

  /// The runs of `study` under `folder`.
  ///
  /// - Parameter build: what identifies the program that makes runs now.
  public init(folder: String, study: String, build: String) {
    directory = URL(fileURLWithPath: folder).standardizedFileURL.path + "/" + study
    self.study = study
    self.build = build
  }

  private static let suffix = ".run"
  private static let partialMark = ".partial-"

  /// The file of a run.
  public func path(of id: String) -> String { directory + "/" + id + Self.suffix }

  /// Makes the folder and removes what dead processes were writing.
  ///
  /// - Throws: `.unusable` when the file system refuses.
  public func prepare() throws(RecordError) {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw .unusable(path: directory, reason: "cannot be made: \(error)")
    }
    for name in try names() where name.hasPrefix(".") {
      guard let mark = name.range(of: Self.partialMark), isDeadProcess(name[mark.upperBound...]) else {
        continue
      }
      try remove(directory + "/" + name)
    }
  }

  /// Keeps a run; replaces an earlier one of its id. Costs one sync of one small file.
  ///
  /// - Throws: `.unusable` when the file system refuses.
  public func write(_ run: StoredRun) throws(RecordError) {
    let partial =
      directory + "/." + run.id + Self.partialMark + String(ProcessInfo.processInfo.processIdentifier)
    try WholeFile.write(run.encoded(), to: partial)
    guard rename(partial, path(of: run.id)) == 0 else {
      throw .unusable(path: path(of: run.id), reason: "cannot be renamed from \(partial): errno \(errno)")
    }
  }

  /// One run.
  ///
  /// - Throws: `.unusable` when it is not there or not whole.
  public func read(_ id: String) throws(RecordError) -> StoredRun {
    let bytes = try WholeFile.read(path(of: id))
    let run: StoredRun
    do {
      run = try StoredRun.decoded(bytes)
    } catch {
      throw .unusable(path: path(of: id), reason: error.reason)
    }
    guard run.id == id, run.study == study else {
      throw .unusable(path: path(of: id), reason: "it holds run \(run.id) of study '\(run.study)'")
    }
    return run
  }

  /// Looks at the stored runs among `ids`, each byte of them. About 20 µs and a pass over its bytes for each.
  ///
  /// - Throws: `.unusable` when the file system refuses.
  public func survey(_ ids: [String], reuse: Reuse) throws(RecordError) -> Survey {
    var survey = Survey()
    guard reuse != .none else { return survey }
    let there = Set(try names())
    for id in ids where there.contains(id + Self.suffix) {
      do throws(RecordError) {
        let run = try read(id)
        if run.status != .ok {
          survey.failedCount += 1
        } else if run.build == build {
          survey.valid.insert(id)
        } else if reuse == .any {
          survey.valid.insert(id)
          survey.otherBuildCount += 1
        } else {
          survey.outdatedCount += 1
        }
      } catch {
        survey.notes.append("a stored run is removed and made again: \(error)")
        try remove(path(of: id))
      }
    }
    return survey
  }

  /// Removes the stored runs among `ids`, and the folder when nothing is left in it.
  ///
  /// - Throws: `.unusable` when the file system refuses.
  public func discard(_ ids: [String]) throws(RecordError) {
    let there = Set(try names())
    for id in ids where there.contains(id + Self.suffix) { try remove(path(of: id)) }
    if try names().isEmpty { try remove(directory) }
  }

  private func names() throws(RecordError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      throw .unusable(path: directory, reason: "cannot be listed: \(error)")
    }
  }

  private func remove(_ path: String) throws(RecordError) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw .unusable(path: path, reason: "cannot be removed: \(error)")
    }
  }
}

/// Whether the process that named a leftover is gone, or is this one (which writes one file at a time). A process that has
/// ended and waits for its parent to notice is gone.
public func isDeadProcess(_ process: Substring) -> Bool {
  guard let number = Int32(process), number > 0 else { return true }
  if number == ProcessInfo.processInfo.processIdentifier { return true }
  if kill(number, 0) != 0 && errno == ESRCH { return true }
  // "PID (NAME) STATE …"; without /proc whatever answers is alive.
  guard let data = FileManager.default.contents(atPath: "/proc/\(number)/stat") else { return false }
  let state = String(decoding: data, as: UTF8.self).split(separator: ")").last?.first { $0 != " " }
  return state == "Z" || state == "X"
}

/// Whole files, read and written in one go.
enum WholeFile {
  /// Writes and syncs a file; an older one is replaced in place, so `path` is a name nobody reads yet.
  static func write(_ bytes: [UInt8], to path: String) throws(RecordError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .unusable(path: path, reason: "cannot be made: errno \(errno)") }
    var failure: Int32 = 0
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = Foundation.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else {
          failure = errno
          return
        }
        done += count
      }
    }
    if failure == 0 && fdatasync(descriptor) != 0 { failure = errno }
    if close(descriptor) != 0 && failure == 0 { failure = errno }
    guard failure == 0 else { throw .unusable(path: path, reason: "cannot be written: errno \(failure)") }
  }

  /// Reads a file.
  static func read(_ path: String) throws(RecordError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unusable(path: path, reason: "cannot be opened: errno \(errno)") }
    defer { close(descriptor) }
    let byteCount = Int(lseek(descriptor, 0, SEEK_END))
    guard byteCount >= 0 else { throw .unusable(path: path, reason: "cannot be measured: errno \(errno)") }
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      while count < byteCount {
        let read = pread(descriptor, buffer.baseAddress! + count, byteCount - count, off_t(count))
        if read < 0 && errno == EINTR { continue }
        if read < 0 { failure = errno }
        if read <= 0 { return }
        count += read
      }
    }
    guard failure == 0 else { throw .unusable(path: path, reason: "cannot be read: errno \(failure)") }
    return bytes
  }
}
