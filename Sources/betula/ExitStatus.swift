// Why the program ended, as a number a script can act on. The values above 63 are those of sysexits.h.

import ArgumentParser
import Experiment
import Foundation
import Primitives
import Report
import Results

/// Exit codes.
enum ExitStatus {
  static let runFailed = ExitCode(1)
  static let claimNotHeld = ExitCode(2)
  static let claimNotDecidable = ExitCode(3)
  static let badData = ExitCode(65)
  static let noInput = ExitCode(66)
  static let cannotFit = ExitCode(69)
  static let fileSystem = ExitCode(74)
  static let interrupted = ExitCode(130)
}

/// Prints a message for people on standard error.
func complain(_ message: String) {
  FileHandle.standardError.write(Data("betula: \(message)\n".utf8))
}

/// Ends with the status of the worst verdict, when one is not `held`.
func requireHeld(_ claims: [ClaimRow]) throws {
  if claims.contains(where: { $0.verdict == .notHeld }) { throw ExitStatus.claimNotHeld }
  if claims.contains(where: { $0.verdict != .held }) { throw ExitStatus.claimNotDecidable }
}

/// Runs `body`, turning the errors a user can meet into a message and an exit code.
func withUserErrors<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let problems as StudyProblems {
    complain("\(problems)")
    throw problems.areMissingFile ? ExitStatus.noInput : ExitStatus.badData
  } catch let error as RecordError {
    complain("\(error)")
    throw error.isOfFileSystem ? ExitStatus.fileSystem : ExitStatus.badData
  } catch let error as ReportError {
    complain("\(error)")
    throw error.isOfFileSystem ? ExitStatus.fileSystem : ExitStatus.badData
  } catch let choice as RunChoice {
    complain("\(choice)")
    throw ExitStatus.badData
  } catch let error as FileProblem {
    complain("\(error)")
    throw error.status
  } catch let error as UnknownNameError {
    complain("\(error)")
    throw ExitStatus.badData
  } catch let interrupted as RunInterrupted {
    complain("interrupted; \(interrupted.remains)")
    throw ExitStatus.interrupted
  } catch let failure as SweepFailure {
    complain("\(failure)")
    throw ExitStatus.fileSystem
  }
}

/// A file the user named that cannot be used, with its path.
struct FileProblem: Error, CustomStringConvertible {
  /// The sentence.
  var description: String
  /// What the program ends with.
  var status: ExitCode

  /// What a storage error means for the file at `path`.
  init(_ error: StorageError, path: String) {
    if case .deviceFailed(_, _, _, let number, let reason) = error {
      description = number == 2 ? "\(path): there is no such file" : "\(path): \(reason)"
      status = number == 2 ? ExitStatus.noInput : ExitStatus.fileSystem
    } else {
      description = "\(path): \(error)"
      status = ExitStatus.badData
    }
  }

  /// The system refused to read `path`, or there is no such file.
  init(reading path: String, _ error: any Error) {
    let exists = FileManager.default.fileExists(atPath: path)
    description =
      exists ? "\(path) cannot be read: \(error.localizedDescription)" : "\(path): there is no such file"
    status = exists ? ExitStatus.fileSystem : ExitStatus.noInput
  }

  /// The system refused to write `path`.
  init(writing path: String, _ error: any Error) {
    description = "\(path) cannot be written: \(error.localizedDescription)"
    status = ExitStatus.fileSystem
  }
}

/// Runs `body`, naming `path` in what goes wrong with its bytes.
func withFile<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as StorageError {
    throw FileProblem(error, path: path)
  }
}

/// Writes a text whole or not at all.
func writeFile(_ text: String, to path: String) throws {
  do {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  } catch {
    throw FileProblem(writing: path, error)
  }
}

extension StudyProblems {
  /// Whether the only problem is that there is no such file.
  fileprivate var areMissingFile: Bool {
    problems.count == 1 && problems[0].message == "there is no such study file"
  }
}

extension RecordError {
  /// Whether the file system refused, rather than a file being wrong.
  fileprivate var isOfFileSystem: Bool {
    if case .unusable = self { return true }
    return false
  }
}

extension ReportError {
  /// Whether the file system refused, rather than a record being wrong.
  fileprivate var isOfFileSystem: Bool {
    switch self {
    case .record(let error): error.isOfFileSystem
    case .unusable: true
    case .unknownFigure, .nothingToShow: false
    }
  }
}
