// What can go wrong while a report is made.

import Results

/// An error of making a report.
public enum ReportError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The record cannot be read.
  case record(RecordError)
  /// The study asks for a figure kind nobody has registered; `known` lists those that are.
  case unknownFigure(name: String, known: [String])
  /// The figure has no data in this record; the reason is a sentence.
  case nothingToShow(figure: String, reason: String)
  /// A file of the report cannot be written.
  case unusable(path: String, reason: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .record(let error): error.description
    case .unknownFigure(let name, let known):
      "there is no figure '\(name)'; there are: \(known.joined(separator: ", "))"
    case .nothingToShow(let figure, let reason): "figure '\(figure)' has nothing to show: \(reason)"
    case .unusable(let path, let reason): "\(path): \(reason)"
    }
  }
}
