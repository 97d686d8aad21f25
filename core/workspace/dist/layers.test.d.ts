export {};
//# sourceMappingURL=layers.test.d.ts.map