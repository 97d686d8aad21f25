export {};
//# sourceMappingURL=test.test.d.ts.map