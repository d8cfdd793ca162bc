// The addresses of views.

import { query } from "./api.js";

export const deviceLink = (serial, scope) => `#/device/${encodeURIComponent(serial)}${query({ scope })}`;
export const groupLink = (by, value) => `#/recall${query({ by, value })}`;
export const recallLink = (serial, scope, by) => `#/recall${query({ serial, scope, by })}`;
