// What went wrong, as the server says it.

export class Problem extends Error {
  /** When it was heard of; what has to be waited for counts from then. */
  readonly at = new Date();

  /**
   * @param status of HTTP; 0: the server could not be reached
   * @param code of the protocol: `DENIED`, `NOT_FOUND`
   * @param requestId under which the server's log has more
   * @param wait seconds until trying again makes sense; 0: not said
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string,
    readonly detail: Record<string, unknown>,
    readonly wait = 0,
  ) {
    super(message);
    this.name = "Problem";
  }

  /** Finer than the code, and as stable (docs/use/errors.md). */
  get reason(): string {
    return typeof this.detail["reason"] === "string" ? this.detail["reason"] : this.code;
  }

  /** All of it as one block, for a ticket. */
  get block(): string {
    return [`status: ${this.status}`, `code: ${this.code}`, `reason: ${this.reason}`, `request: ${this.requestId}`, `time: ${this.at.toISOString()}`, this.message].join("\n");
  }
}

/** Whatever was thrown, as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(-1, "PAGE_FAILED", error instanceof Error ? error.message : String(error), "", {});
}
